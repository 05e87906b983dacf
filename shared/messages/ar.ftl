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
step-up-required = أكّد هويتك للمتابعة
mfa-enrolment-required = عليك إعداد عامل تحقق ثانٍ أولًا
not-found = المورد غير موجود
session-not-found = الجلسة غير موجودة
method-not-allowed = طريقة الطلب غير مسموح بها
mail-token-invalid = لم يعد هذا الرابط أو الرمز صالحًا. اطلب غيره
mfa-code-invalid = الرمز غير صحيح أو سبق استخدامه
mfa-token-invalid = انتهت مهلة تسجيل الدخول. سجّل الدخول مرة أخرى
mfa-unavailable = يتطلب هذا الحساب عامل تحقق ثانيًا، وهو غير متاح هنا. تواصل مع الدعم
factor-not-found = عامل التحقق غير موجود
factor-limit = بلغت الحد الأقصى لعوامل التحقق. احذف أحدها أولًا
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
service-unavailable = الخدمة غير متاحة حاليًا. حاول مرة أخرى بعد قليل
logged-out = تم تسجيل الخروج بنجاح
password-changed = تم تغيير كلمة المرور
recovery-sent = إن كان لهذا البريد حساب، فقد أرسلنا إليه رسالة
verification-sent = أرسلنا رسالة إلى هذا البريد. افتح الرابط الوارد فيها لتأكيده
change-sent = أرسلنا رسالة إلى البريد الجديد. افتح الرابط الوارد فيها لتأكيد التغيير
email-changed = تم تغيير البريد الإلكتروني
email-reverted = تم التراجع عن تغيير البريد وإنهاء جميع الجلسات. عيّن كلمة مرور جديدة من الرسالة التي أرسلناها إليك
login-denied = تم إنهاء جميع الجلسات، ولم تعد كلمة مرورك صالحة. عيّن كلمة مرور جديدة من الرسالة التي أرسلناها إليك
session-revoked = تم إنهاء الجلسة
sessions-revoked = تم إنهاء جميع الجلسات
passkey-invalid = لم يُقبل مفتاح المرور. حاول مرة أخرى أو سجّل الدخول بطريقة أخرى
passkey-exists = مفتاح المرور هذا مسجّل من قبل
factor-removed = تم حذف عامل التحقق

# What is wrong with a field.
not-json = يجب أن يكون محتوى الطلب كائن JSON صالحًا
required = هذا الحقل مطلوب
wrong-type = نوع القيمة غير صحيح
invalid = القيمة غير صالحة
too-long = القيمة أطول من المسموح به
password-too-short =
    كلمة المرور يجب أن تكون { PLURAL($minimum) ->
        [few] { $minimum } أحرف
        [many] { $minimum } حرفًا
       *[other] { $minimum } حرف
    } على الأقل
password-needs-mixed-case = كلمة المرور يجب أن تحتوي على أحرف كبيرة وصغيرة
password-needs-digit = كلمة المرور يجب أن تحتوي على أرقام
password-needs-symbol = كلمة المرور يجب أن تحتوي على رمز خاص، أي ما ليس حرفًا ولا رقمًا
password-too-long = كلمة المرور يجب ألا تتجاوز 72 بايتًا
password-too-common = كلمة المرور سهلة التخمين
password-breached = كلمة المرور هذه ضمن قائمة كلمات مرور مسرّبة. اختر غيرها

# رسائل البريد. اسم الخدمة واسم المستخدم بين علامتين تحفظان اتجاههما.
mail-hello = مرحبًا { $name }،
mail-code =
    { PLURAL($number) ->
        [zero] أو أدخل هذا الرمز خلال أقل من دقيقة من طلبك:
        [one] أو أدخل هذا الرمز خلال دقيقة واحدة من طلبك:
        [two] أو أدخل هذا الرمز خلال دقيقتين من طلبك:
        [few] أو أدخل هذا الرمز خلال { $number } دقائق من طلبك:
        [many] أو أدخل هذا الرمز خلال { $number } دقيقة من طلبك:
       *[other] أو أدخل هذا الرمز خلال { $number } دقيقة من طلبك:
    }
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
        [many] الرابط صالح لمدة { $number } يومًا، ولمرة واحدة.
       *[other] الرابط صالح لمدة { $number } يوم، ولمرة واحدة.
    }
mail-footer = هذه رسالة تلقائية من { $service }، ولا يقرأ أحد الردود عليها.

mail-reset-subject = تعيين كلمة مرور جديدة في { $service }
mail-reset-title = تعيين كلمة مرور جديدة
mail-reset-text = تلقّينا طلبًا لتعيين كلمة مرور جديدة لحسابك في { $service }.
mail-reset-button = تعيين كلمة مرور جديدة
mail-reset-ignore = إن لم تطلب ذلك فتجاهل هذه الرسالة، وستبقى كلمة المرور كما هي. لا تُعد توجيه هذه الرسالة إلى أحد، ولا تخبر أحدًا بالرمز.

mail-verify-subject = تأكيد بريدك الإلكتروني في { $service }
mail-verify-title = تأكيد البريد الإلكتروني
mail-verify-text = أُدخل هذا البريد الإلكتروني في { $service }. أكّد أنه بريدك.
mail-verify-button = تأكيد البريد الإلكتروني
mail-verify-ignore = إن لم تفعل ذلك فتجاهل هذه الرسالة. لن يحدث شيء من دون تأكيدك.

mail-change-subject = تأكيد بريدك الإلكتروني الجديد في { $service }
mail-change-title = تأكيد البريد الإلكتروني الجديد
mail-change-text = تلقّينا طلبًا لاستخدام هذا البريد الإلكتروني في تسجيل الدخول إلى { $service }.
mail-change-button = استخدام هذا البريد
mail-change-ignore = إن لم تطلب ذلك فتجاهل هذه الرسالة. لن يتغير شيء من دون تأكيدك.

mail-invite-subject = حسابك في { $service }
mail-invite-title = تمت دعوتك
mail-invite-text = أُنشئ لك حساب في { $service }. عيّن كلمة مرورك لتبدأ استخدامه.
mail-invite-button = تعيين كلمة المرور
mail-invite-ignore = إن لم تكن تعرف { $service } فتجاهل هذه الرسالة.

mail-revert-subject = تغيّر بريدك الإلكتروني في { $service }
mail-revert-title = تغيّر البريد الإلكتروني لحسابك
mail-revert-text = أصبح لحسابك في { $service } بريد إلكتروني آخر. إن كنت أنت من غيّره فلا داعي لأي إجراء.
mail-revert-button = لم أفعل ذلك: استعادة هذا البريد
mail-revert-ignore = إن لم تكن أنت من غيّره فاستعِد هذا البريد الآن. ستنتهي جميع الجلسات، ثم تعيّن كلمة مرور جديدة.

mail-deny-subject = تسجيل دخول إلى { $service } من جهاز جديد
mail-deny-title = تسجيل دخول من جهاز جديد
mail-deny-text = سُجّل الدخول إلى حسابك في { $service } من جهاز لم نره من قبل. إن كنت أنت من سجّل الدخول فلا داعي لأي إجراء.
mail-login-time = الوقت: { $value }
mail-login-device = الجهاز: { $value }
mail-login-network = الشبكة: { $value }
mail-deny-button = لست أنا: إنهاء جميع الجلسات
mail-deny-ignore = إن لم تكن أنت فافتح الرابط الآن. لن يحدث شيء قبل أن تؤكّد، وعند التأكيد تنتهي جميع الجلسات ولا تعود كلمة مرورك صالحة، ثم تعيّن كلمة مرور جديدة. وبعد ذلك راجع عوامل التحقق ومفاتيح المرور في حسابك.

mail-password-changed-subject = تغيّرت كلمة مرورك في { $service }
mail-password-changed-title = تغيّرت كلمة مرورك
mail-password-changed-text = تغيّرت كلمة مرور حسابك في { $service }، وأُنهيت جميع الجلسات الأخرى.
mail-password-changed-ignore = إن لم تفعل ذلك فعيّن كلمة مرور جديدة الآن عن طريق «نسيت كلمة المرور؟»، وتواصل مع الدعم.

mail-factors-changed-subject = تغيّرت عوامل التحقق لحسابك في { $service }
mail-factors-changed-title = تغيّرت عوامل التحقق لحسابك
mail-factors-changed-text = أُضيف عامل تحقق إلى حسابك في { $service } أو استُبدل أو حُذف، وأُنهيت جميع الجلسات الأخرى.
mail-factors-changed-ignore = إن لم تفعل ذلك فعيّن كلمة مرور جديدة الآن عن طريق «نسيت كلمة المرور؟»، وتواصل مع الدعم.

mail-factors-guessed-subject = محاولات تحقق فاشلة كثيرة لحسابك في { $service }
mail-factors-guessed-title = قد يعرف شخص آخر كلمة مرورك
mail-factors-guessed-text = جرت محاولات فاشلة كثيرة لاجتياز خطوة التحقق الثانية لحسابك في { $service }. من يقوم بها يعرف كلمة مرورك أو يستخدم إحدى جلساتك. لم تسمح هذه المحاولات الفاشلة لأحد بالدخول.
mail-factors-guessed-ignore = إن لم تكن أنت فغيّر كلمة مرورك الآن وأنهِ جلساتك الأخرى. وإن كنت أنت فتحقق من ساعة الجهاز الذي عليه تطبيق المصادقة، أو استخدم رمز استرداد.

mail-address-changed-subject = تغيّر بريدك الإلكتروني في { $service }
mail-address-changed-title = تغيّر البريد الإلكتروني لحسابك
mail-address-changed-text = عيّن فريق { $service } بريدًا إلكترونيًا آخر لحسابك، وأُنهيت جميع الجلسات. لم يعد هذا البريد صالحًا لتسجيل الدخول.
mail-address-changed-ignore = إن لم تطلب ذلك فتواصل مع الدعم.

mail-address-taken-subject = لديك حساب بالفعل في { $service }
mail-address-taken-title = لديك حساب بالفعل
mail-address-taken-text = تلقّينا طلبًا لاستخدام هذا البريد الإلكتروني في { $service }، لكن له حسابًا بالفعل. سجّل الدخول به، أو عيّن كلمة مرور جديدة عن طريق «نسيت كلمة المرور؟».
mail-address-taken-ignore = إن لم تفعل ذلك فتجاهل هذه الرسالة. لم يتغير شيء.
