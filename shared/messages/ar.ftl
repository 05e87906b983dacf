# What people read, in Arabic. Each id is a code of the contract in lower case, with hyphens.
# Messages that the old CRM had are as it had them, word for word, but for what it said of special characters.

validation-failed = البيانات المرسلة غير صالحة
current-password-invalid = كلمة المرور الحالية غير صحيحة
refresh-token-required = رمز التجديد مطلوب
unauthorized = غير مصرح
auth-token-missing = لم يتم توفير رمز المصادقة
token-expired = انتهت صلاحية رمز المصادقة
token-revoked = رمز المصادقة غير صالح
token-invalid = رمز مصادقة غير صالح
user-inactive = المستخدم غير موجود أو غير نشط
invalid-credentials = البريد الإلكتروني أو كلمة المرور غير صحيحة
refresh-token-invalid = رمز تجديد غير صالح
account-inactive = الحساب غير نشط. تواصل مع الدعم
registration-closed = التسجيل غير متاح
forbidden = ليس لديك صلاحية للوصول إلى هذا المورد
csrf-invalid = تعذر التحقق من مصدر الطلب. أعد تحميل الصفحة وحاول مرة أخرى
forbidden-role = ليس لديك صلاحية للوصول إلى هذا المورد
forbidden-permission = ليس لديك صلاحية { $action } في { $feature }
forbidden-address = الوصول محظور من هذا العنوان
step-up-required = يرجى تأكيد هويتك للمتابعة
mfa-enrolment-required = يجب إعداد عامل تحقق ثان أولا
not-found = المورد غير موجود
session-not-found = الجلسة غير موجودة
method-not-allowed = طريقة الطلب غير مسموح بها
mail-token-invalid = الرابط أو الرمز لم يعد صالحا. اطلب رابطا جديدا
mfa-code-invalid = الرمز غير صحيح أو سبق استخدامه
mfa-token-invalid = انتهت مهلة تسجيل الدخول. سجل الدخول مرة أخرى
mfa-unavailable = يتطلب هذا الحساب عامل تحقق ثانيا غير متاح هنا. تواصل مع الدعم
factor-not-found = عامل التحقق غير موجود
factor-limit = بلغت الحد الأقصى لعوامل التحقق. احذف أحدها أولا
email-taken = البريد الإلكتروني مستخدم بالفعل
payload-too-large = حجم الطلب أكبر من المسموح به
unsupported-media-type = نوع المحتوى غير مدعوم
login-locked =
    تم تجاوز عدد المحاولات. حاول بعد { PLURAL($minutes) ->
        [zero] أقل من دقيقة
        [one] دقيقة واحدة
        [two] دقيقتين
        [few] { $minutes } دقائق
        [many] { $minutes } دقيقة
       *[other] { $minutes } دقيقة
    }
mfa-locked =
    تم تجاوز عدد المحاولات. حاول بعد { PLURAL($minutes) ->
        [zero] أقل من دقيقة
        [one] دقيقة واحدة
        [two] دقيقتين
        [few] { $minutes } دقائق
        [many] { $minutes } دقيقة
       *[other] { $minutes } دقيقة
    }
auth-rate-limited =
    تم تجاوز عدد المحاولات. حاول مرة أخرى بعد { PLURAL($minutes) ->
        [zero] أقل من دقيقة
        [one] دقيقة واحدة
        [two] دقيقتين
        [few] { $minutes } دقائق
        [many] { $minutes } دقيقة
       *[other] { $minutes } دقيقة
    }
mail-rate-limited =
    طُلبت رسائل كثيرة لهذا البريد. حاول مرة أخرى بعد { PLURAL($minutes) ->
        [zero] أقل من دقيقة
        [one] دقيقة واحدة
        [two] دقيقتين
        [few] { $minutes } دقائق
        [many] { $minutes } دقيقة
       *[other] { $minutes } دقيقة
    }
api-rate-limited = تم تجاوز الحد المسموح للطلبات
login-failed = حدث خطأ أثناء تسجيل الدخول
logout-failed = حدث خطأ أثناء تسجيل الخروج
internal-error = حدث خطأ غير متوقع
service-unavailable = الخدمة غير متاحة حاليا
logged-out = تم تسجيل الخروج بنجاح
password-changed = تم تغيير كلمة المرور
recovery-sent = إذا كان هناك حساب بهذا البريد فقد أرسلنا إليه رسالة
verification-sent = أرسلنا رسالة إلى هذا البريد. افتح الرابط الذي فيها لتأكيد البريد
change-sent = أرسلنا رسالة إلى البريد الجديد. افتح الرابط الذي فيها لتأكيد التغيير
email-changed = تم تغيير البريد الإلكتروني
email-reverted = تم التراجع عن تغيير البريد وإنهاء جميع الجلسات. عيّن كلمة مرور جديدة من الرسالة التي أرسلناها
login-denied = أُنهيت جميع الجلسات ولم تعد كلمة مرورك صالحة. عيّن كلمة مرور جديدة من الرسالة التي أرسلناها إليك
session-revoked = تم إنهاء الجلسة
sessions-revoked = تم إنهاء جميع الجلسات
passkey-invalid = لم يُقبل مفتاح المرور. حاول مرة أخرى أو سجل الدخول بطريقة أخرى
passkey-exists = مفتاح المرور هذا مسجل من قبل
factor-removed = حُذف عامل التحقق

# What is wrong with a field.
not-json = يجب أن يكون محتوى الطلب كائن JSON صالحا
required = هذا الحقل مطلوب
wrong-type = نوع القيمة غير صحيح
invalid = القيمة غير صالحة
too-long = القيمة أطول من المسموح به
password-too-short =
    كلمة المرور يجب أن تكون { PLURAL($minimum) ->
        [few] { $minimum } أحرف
        [many] { $minimum } حرفا
       *[other] { $minimum } حرف
    } على الأقل
password-needs-mixed-case = كلمة المرور يجب أن تحتوي على أحرف كبيرة وصغيرة
password-needs-digit = كلمة المرور يجب أن تحتوي على أرقام
password-needs-symbol = كلمة المرور يجب أن تحتوي على رمز خاص، أي ما ليس حرفا ولا رقما
password-too-long = كلمة المرور يجب ألا تتجاوز 72 بايتا
password-too-common = كلمة المرور سهلة التخمين
password-breached = كلمة المرور هذه مسرّبة ومعروفة. اختر غيرها

# رسائل البريد. اسم الخدمة واسم المستخدم بين علامتين تحفظان اتجاههما.
mail-hello = مرحبا { $name }،
mail-code = أو أدخل هذا الرمز خلال { $number } دقائق من طلبك:
mail-valid-minutes =
    { PLURAL($number) ->
        [zero] الرابط صالح لأقل من دقيقة، ولمرة واحدة.
        [one] الرابط صالح لدقيقة واحدة، ولمرة واحدة.
        [two] الرابط صالح لدقيقتين، ولمرة واحدة.
        [few] الرابط صالح لمدة { $number } دقائق، ولمرة واحدة.
        [many] الرابط صالح لمدة { $number } دقيقة، ولمرة واحدة.
       *[other] الرابط صالح لمدة { $number } دقيقة، ولمرة واحدة.
    }
mail-valid-hours =
    { PLURAL($number) ->
        [zero] الرابط صالح لأقل من ساعة، ولمرة واحدة.
        [one] الرابط صالح لساعة واحدة، ولمرة واحدة.
        [two] الرابط صالح لساعتين، ولمرة واحدة.
        [few] الرابط صالح لمدة { $number } ساعات، ولمرة واحدة.
        [many] الرابط صالح لمدة { $number } ساعة، ولمرة واحدة.
       *[other] الرابط صالح لمدة { $number } ساعة، ولمرة واحدة.
    }
mail-valid-days =
    { PLURAL($number) ->
        [zero] الرابط صالح لأقل من يوم، ولمرة واحدة.
        [one] الرابط صالح ليوم واحد، ولمرة واحدة.
        [two] الرابط صالح ليومين، ولمرة واحدة.
        [few] الرابط صالح لمدة { $number } أيام، ولمرة واحدة.
        [many] الرابط صالح لمدة { $number } يوما، ولمرة واحدة.
       *[other] الرابط صالح لمدة { $number } يوم، ولمرة واحدة.
    }
mail-footer = أرسلت { $service } هذه الرسالة تلقائيا، ولا يقرأ أحد الردود عليها.

mail-reset-subject = تعيين كلمة مرور جديدة في { $service }
mail-reset-title = تعيين كلمة مرور جديدة
mail-reset-text = طلب شخص ما، ولعله أنت، تعيين كلمة مرور جديدة لحسابك في { $service }.
mail-reset-button = تعيين كلمة مرور جديدة
mail-reset-ignore = إن لم تطلب ذلك فتجاهل هذه الرسالة، وستبقى كلمة المرور كما هي. لا تحول هذه الرسالة إلى أحد، ولا تخبر أحدا بالرمز.

mail-verify-subject = تأكيد بريدك الإلكتروني في { $service }
mail-verify-title = تأكيد البريد الإلكتروني
mail-verify-text = أدخل شخص ما، ولعله أنت، هذا العنوان في { $service }. أكد أنه عنوانك.
mail-verify-button = تأكيد العنوان
mail-verify-ignore = إن لم تفعل ذلك فتجاهل هذه الرسالة. لن يحدث شيء من دون التأكيد.

mail-change-subject = تأكيد عنوانك الجديد في { $service }
mail-change-title = تأكيد العنوان الجديد
mail-change-text = يريد شخص ما، ولعله أنت، استخدام هذا العنوان لتسجيل الدخول إلى { $service }.
mail-change-button = استخدام هذا العنوان
mail-change-ignore = إن لم تطلب ذلك فتجاهل هذه الرسالة. لن يتغير شيء من دون التأكيد.

mail-invite-subject = حسابك في { $service }
mail-invite-title = تمت دعوتك
mail-invite-text = أنشئ لك حساب في { $service }. عين كلمة مرورك لتستخدمه.
mail-invite-button = تعيين كلمة المرور
mail-invite-ignore = إن لم تكن تعرف { $service } فتجاهل هذه الرسالة.

mail-revert-subject = تغير عنوانك في { $service }
mail-revert-title = تغير عنوان حسابك
mail-revert-text = أصبح لحسابك في { $service } عنوان آخر. إن كنت أنت من غيره فلا حاجة إلى فعل شيء.
mail-revert-button = لم أفعل ذلك: استعادة هذا العنوان
mail-revert-ignore = إن لم تفعل ذلك فاستعد هذا العنوان الآن. ستنتهي كل الجلسات، وتعين كلمة مرور جديدة.

mail-deny-subject = تسجيل دخول إلى { $service } من جهاز جديد
mail-deny-title = تسجيل دخول من جهاز جديد
mail-deny-text = سُجّل الدخول إلى حسابك في { $service } من جهاز لم نره من قبل. إن كنت أنت من سجّل الدخول فلا داعي لأي إجراء.
mail-login-time = الوقت: { $value }
mail-login-device = الجهاز: { $value }
mail-login-network = الشبكة: { $value }
mail-deny-button = لم أكن أنا: إنهاء جميع الجلسات
mail-deny-ignore = إن لم تكن أنت فافتح الرابط الآن. ستنتهي جميع الجلسات ولن تعود كلمة مرورك صالحة، ثم تعيّن كلمة مرور جديدة. لن يحدث شيء قبل أن تؤكد. وبعد ذلك راجع عوامل التحقق ومفاتيح المرور في حسابك.

mail-password-changed-subject = تغيرت كلمة مرورك في { $service }
mail-password-changed-title = تغيرت كلمة المرور
mail-password-changed-text = تغيرت كلمة مرور حسابك في { $service }، وأنهيت كل الجلسات الأخرى.
mail-password-changed-ignore = إن لم تفعل ذلك فعين كلمة مرور جديدة الآن عن طريق «نسيت كلمة المرور؟»، وتواصل مع الدعم.

mail-factors-changed-subject = تغيرت عوامل التحقق لحسابك في { $service }
mail-factors-changed-title = تغيرت عوامل التحقق لحسابك
mail-factors-changed-text = أُضيف عامل تحقق إلى حسابك في { $service } أو استُبدل أو حُذف، وأُنهيت جميع الجلسات الأخرى.
mail-factors-changed-ignore = إن لم تفعل ذلك فعين الآن كلمة مرور جديدة عن طريق «نسيت كلمة المرور؟»، وتواصل مع الدعم.

mail-factors-guessed-subject = محاولات تحقق خاطئة كثيرة لحسابك في { $service }
mail-factors-guessed-title = قد يعرف شخص آخر كلمة مرورك
mail-factors-guessed-text = قدم شخص ما عوامل تحقق خاطئة كثيرة لحسابك في { $service }. من يفعل ذلك يعرف كلمة مرورك أو يستخدم إحدى جلساتك. لم تسمح العوامل الخاطئة لأحد بالدخول.
mail-factors-guessed-ignore = إن لم تكن أنت فغير كلمة مرورك الآن وأنه جلساتك الأخرى. وإن كنت أنت فتحقق من ساعة الجهاز الذي عليه تطبيق المصادقة، أو استخدم رمز استرداد.

mail-address-changed-subject = تغير عنوانك في { $service }
mail-address-changed-title = تغير عنوان حسابك
mail-address-changed-text = عين فريق { $service } عنوانا آخر لحسابك، وأنهيت كل الجلسات. لم يعد هذا العنوان صالحا لتسجيل الدخول.
mail-address-changed-ignore = إن لم تطلب ذلك فتواصل مع الدعم.

mail-address-taken-subject = لديك حساب في { $service }
mail-address-taken-title = لديك حساب
mail-address-taken-text = حاول شخص ما، ولعله أنت، استخدام هذا العنوان في { $service }، لكن له حسابا. سجل الدخول به، أو عين كلمة مرور جديدة عن طريق «نسيت كلمة المرور؟».
mail-address-taken-ignore = إن لم تفعل ذلك فتجاهل هذه الرسالة. لم يتغير شيء.
