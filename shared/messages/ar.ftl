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
not-found = المورد غير موجود
session-not-found = الجلسة غير موجودة
method-not-allowed = طريقة الطلب غير مسموح بها
mail-token-invalid = الرابط أو الرمز لم يعد صالحا. اطلب رابطا جديدا
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
session-revoked = تم إنهاء الجلسة
sessions-revoked = تم إنهاء جميع الجلسات

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
