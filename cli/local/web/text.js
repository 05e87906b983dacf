// What people read here. What the service says of its own answers comes from the service, in the same language.
// \u2066 and \u2069 keep what is written from the left together inside a sentence from the right.

const TEXTS = {
  en: {
    "skip": "Skip to the content",
    "where": "on this machine",
    "languages": "Language",
    "exchange.title": "Last exchange",
    "exchange.hint": "What this page and the service said to each other. Tokens are shortened, passwords are masked.",
    "exchange.none": "Nothing yet.",
    "exchange.request": "Request",
    "exchange.response": "Response",
    "exchange.cookie": "The browser adds its __Host-nova- cookies by itself. No script, this page's included, can read them.",
    "signIn.title": "Sign in",
    "signIn.lead": "One password check, then short-lived access tokens. The session behind them can be ended at any moment.",
    "signIn.email": "Email",
    "signIn.password": "Password",
    "signIn.mode": "Keep the refresh token",
    "signIn.body": "in this page's memory",
    "signIn.bodyHint": "The answer's body carries it. A reload forgets it.",
    "signIn.cookie": "in a cookie",
    "signIn.cookieHint": "No script can read it. It survives a reload, and every use needs a CSRF token.",
    "signIn.submit": "Sign in",
    "signIn.noUser": "No user yet?",
    "signIn.demo": "With nova local --demo there is one: demo@example.com, password Demo-2026!",
    "signIn.create": "Or make one of your own:",
    "me.title": "Who am I",
    "me.email": "Email",
    "me.role": "Role",
    "me.id": "User id",
    "me.session": "Session",
    "me.mode": "Refresh token",
    "me.mode.body": "in this page's memory",
    "me.mode.cookie": "in a cookie",
    "me.expires": "The access token ends in",
    "me.expired": "The access token has ended. The next call refreshes.",
    "me.refresh": "Refresh now",
    "me.signOut": "Sign out",
    "me.everywhere": "Sign out everywhere",
    "me.everywhereAsk": "End all your sessions, on every device, this one too?",
    "me.cancel": "Cancel",
    "apis.title": "Call a sample API",
    "apis.lead": "It knows nothing of passwords: the token authorizer decides each call, by the API's rules.",
    "apis.none": "No other API is attached. Start with --demo, or with --attach tests/consumer/template.yaml.",
    "apis.allowed": "Allowed",
    "apis.denied": "Denied",
    "sessions.title": "Sessions",
    "sessions.lead": "Everywhere you are signed in.",
    "sessions.current": "this one",
    "sessions.from": "from",
    "sessions.created": "Signed in",
    "sessions.seen": "Last seen",
    "sessions.expires": "Ends by itself",
    "sessions.reload": "Reload",
    "sessions.end": "End",
    "sessions.endLabel": "End the session: ",
    "password.title": "Change the password",
    "password.lead": "This session goes on; every other one ends.",
    "password.current": "Current password",
    "password.new": "New password",
    "password.hint": "At least 8 characters, with upper and lower case, a digit and a symbol.",
    "password.submit": "Change",
    "log.title": "Security log",
    "log.lead": "What happened to your account, the newest first. On AWS operators read it in the table: this view belongs to nova local alone.",
    "log.event": "Event",
    "log.when": "When",
    "log.device": "Device",
    "log.address": "Address",
    "event.authn_login_success": "Signed in",
    "event.authn_login_fail": "Wrong password",
    "event.authn_login_lock": "Too many wrong passwords: account locked for a while",
    "event.authn_login_fail_max": "A long run of wrong passwords",
    "event.authn_token_reuse": "A used refresh token came back: session ended",
    "event.authn_token_revoked": "Session ended",
    "event.authn_password_change": "Password changed",
    "event.user_created": "Account created",
    "event.user_updated": "Account changed by an operator",
    "event.malicious_csrf": "A call from another site was refused",
    "device.unknown": "Unknown device",
    "device.on": "on",
    "notice.signedIn": "You are signed in.",
    "notice.refreshed": "A new pair of tokens. The old refresh token is used up.",
    "notice.refreshedCookie": "A new access token. The cookie was replaced.",
    "notice.ended": "This session is over. Sign in again.",
    "notice.unreachable": "The service gave no answer. Nobody was signed out: try again.",
  },
  ar: {
    "skip": "انتقل إلى المحتوى",
    "where": "على هذا الجهاز",
    "languages": "اللغة",
    "exchange.title": "آخر تبادل",
    "exchange.hint": "ما جرى بين هذه الصفحة والخدمة. الرموز مختصرة وكلمات المرور مخفية.",
    "exchange.none": "لا شيء بعد.",
    "exchange.request": "الطلب",
    "exchange.response": "الاستجابة",
    "exchange.cookie": "يضيف المتصفح ملفات الارتباط \u2066__Host-nova-\u2069 بنفسه، ولا يستطيع أي برنامج نصي قراءتها، ولا هذه الصفحة.",
    "signIn.title": "تسجيل الدخول",
    "signIn.lead": "تحقق واحد من كلمة المرور، ثم رموز وصول قصيرة العمر. ويمكن إنهاء الجلسة التي وراءها في أي لحظة.",
    "signIn.email": "البريد الإلكتروني",
    "signIn.password": "كلمة المرور",
    "signIn.mode": "احفظ رمز التجديد",
    "signIn.body": "في ذاكرة هذه الصفحة",
    "signIn.bodyHint": "يصل في متن الاستجابة، وتنساه الصفحة عند إعادة تحميلها.",
    "signIn.cookie": "في ملف ارتباط",
    "signIn.cookieHint": "لا يستطيع أي برنامج نصي قراءته. يبقى بعد إعادة التحميل، وكل استخدام له يحتاج رمز CSRF.",
    "signIn.submit": "دخول",
    "signIn.noUser": "لا يوجد مستخدم بعد؟",
    "signIn.demo": "مع \u2066nova local --demo\u2069 يوجد مستخدم: \u2066demo@example.com\u2069 وكلمة مروره \u2066Demo-2026!\u2069",
    "signIn.create": "أو أنشئ مستخدمًا:",
    "me.title": "من أنا",
    "me.email": "البريد الإلكتروني",
    "me.role": "الدور",
    "me.id": "معرّف المستخدم",
    "me.session": "الجلسة",
    "me.mode": "رمز التجديد",
    "me.mode.body": "في ذاكرة هذه الصفحة",
    "me.mode.cookie": "في ملف ارتباط",
    "me.expires": "ينتهي رمز الوصول بعد",
    "me.expired": "انتهى رمز الوصول، وسيجدده الطلب التالي.",
    "me.refresh": "جدّد الآن",
    "me.signOut": "تسجيل الخروج",
    "me.everywhere": "الخروج من كل الأجهزة",
    "me.everywhereAsk": "هل تريد إنهاء جميع جلساتك على كل الأجهزة، ومنها هذه؟",
    "me.cancel": "إلغاء",
    "apis.title": "استدعِ واجهة تجريبية",
    "apis.lead": "لا تعرف شيئًا عن كلمات المرور: يقرر مفوّض الرموز كل طلب وفق قواعد الواجهة.",
    "apis.none": "لا توجد واجهة أخرى. شغّل الأمر مع \u2066--demo\u2069 أو \u2066--attach tests/consumer/template.yaml\u2069",
    "apis.allowed": "مسموح",
    "apis.denied": "مرفوض",
    "sessions.title": "الجلسات",
    "sessions.lead": "كل مكان سجلت الدخول منه.",
    "sessions.current": "هذه",
    "sessions.from": "من",
    "sessions.created": "بدأت",
    "sessions.seen": "آخر ظهور",
    "sessions.expires": "تنتهي تلقائيًا",
    "sessions.reload": "تحديث",
    "sessions.end": "إنهاء",
    "sessions.endLabel": "إنهاء الجلسة: ",
    "password.title": "تغيير كلمة المرور",
    "password.lead": "تستمر هذه الجلسة، وتنتهي كل جلسة أخرى.",
    "password.current": "كلمة المرور الحالية",
    "password.new": "كلمة المرور الجديدة",
    "password.hint": "8 أحرف على الأقل، فيها أحرف كبيرة وصغيرة ورقم ورمز خاص.",
    "password.submit": "تغيير",
    "log.title": "سجل الأمان",
    "log.lead": "ما حدث لحسابك، الأحدث أولًا. على AWS يقرؤه المشغلون في الجدول: هذا العرض خاص بالأمر \u2066nova local\u2069.",
    "log.event": "الحدث",
    "log.when": "الوقت",
    "log.device": "الجهاز",
    "log.address": "العنوان",
    "event.authn_login_success": "تسجيل دخول",
    "event.authn_login_fail": "كلمة مرور خاطئة",
    "event.authn_login_lock": "محاولات خاطئة كثيرة: قُفل الحساب مؤقتًا",
    "event.authn_login_fail_max": "سلسلة طويلة من المحاولات الخاطئة",
    "event.authn_token_reuse": "عاد رمز تجديد مستخدم: أُنهيت الجلسة",
    "event.authn_token_revoked": "أُنهيت جلسة",
    "event.authn_password_change": "تغيرت كلمة المرور",
    "event.user_created": "أُنشئ الحساب",
    "event.user_updated": "غيّر مشغّل الحساب",
    "event.malicious_csrf": "رُفض طلب من موقع آخر",
    "device.unknown": "جهاز غير معروف",
    "device.on": "على",
    "notice.signedIn": "تم تسجيل الدخول.",
    "notice.refreshed": "زوج جديد من الرموز. رمز التجديد القديم استُهلك.",
    "notice.refreshedCookie": "رمز وصول جديد، واستُبدل ملف الارتباط.",
    "notice.ended": "انتهت هذه الجلسة. سجّل الدخول من جديد.",
    "notice.unreachable": "لم تجب الخدمة. لم يخرج أحد من حسابه: حاول مرة أخرى.",
  },
};

/** Latin digits in both, as in the service's own messages. */
const LOCALES = { en: "en", ar: "ar-u-nu-latn" };
const STORED = "nova-language";

let language = localStorage.getItem(STORED) ?? (navigator.language.startsWith("ar") ? "ar" : "en");
if (!(language in TEXTS)) language = "en";

export const currentLanguage = () => language;

export function chooseLanguage(chosen) {
  language = chosen in TEXTS ? chosen : "en";
  localStorage.setItem(STORED, language);
}

/** The text of that key. */
export const text = (key) => TEXTS[language][key] ?? key;

/** What happened, by its name in the OWASP vocabulary. */
export const eventText = (name) => TEXTS[language][`event.${name}`] ?? name;

export function moment(iso) {
  const format = { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(LOCALES[language], format).format(new Date(iso));
}

/** 14:05 */
export function countdown(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Fills in what stands in the page itself. */
export function translate(root) {
  document.documentElement.lang = language;
  document.documentElement.dir = language === "ar" ? "rtl" : "ltr";
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", text(element.dataset.label));
}
