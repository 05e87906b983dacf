//! Why a file is refused.

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident = $code:literal, $ar:literal, $en:literal;)+) => {
        nova_auth_domain::named! {
            /// Why a file is refused. Its name is the code, which clients see and which is stable; the sentences are for people.
            #[derive(PartialOrd, Ord, Hash)]
            pub enum Reason {
                $($(#[$doc])* $reason = $code,)+
            }
        }

        impl Reason {
            /// What people read, in Arabic.
            #[must_use]
            pub const fn arabic(self) -> &'static str {
                match self { $(Self::$reason => $ar,)+ }
            }

            /// What people read, in English.
            #[must_use]
            pub const fn english(self) -> &'static str {
                match self { $(Self::$reason => $en,)+ }
            }
        }
    };
}

reasons! {
    /// The object has another size or checksum than was declared.
    Changed = "FILE_CHANGED", "الملف يختلف عن الملف الذي أُعلن عنه", "The file differs from the one that was announced.";
    /// The content is of another type.
    TypeMismatch = "TYPE_MISMATCH", "محتوى الملف لا يطابق نوعه", "The file's content does not match its type.";
    /// The file can also be read as something else, or has something behind its end.
    Polyglot = "POLYGLOT", "يحتوي الملف على ملف آخر", "The file contains a second file.";
    /// It can't be read, or reading it took too much time or memory.
    Unreadable = "UNREADABLE", "تعذرت قراءة الملف", "The file can't be read.";
    /// It is encrypted, so nobody can look into it.
    Encrypted = "ENCRYPTED", "الملف محمي بكلمة مرور أو مشفّر", "The file is encrypted or password-protected.";
    /// An image with more pixels than programs should have to hold.
    TooManyPixels = "TOO_MANY_PIXELS", "أبعاد الصورة كبيرة جدًا", "The image is too large.";
    /// An archive that is too large once it is unpacked.
    ArchiveTooLarge = "ARCHIVE_TOO_LARGE", "الأرشيف كبير جدًا عند فك ضغطه", "The archive is too large when unpacked.";
    /// An archive whose parts overlap or contradict each other.
    ArchiveBroken = "ARCHIVE_BROKEN", "بنية الأرشيف غير سليمة", "The archive's structure is not valid.";
    /// An archive with names that lead out of it.
    ArchiveNames = "ARCHIVE_NAMES", "يحتوي الأرشيف على أسماء ملفات غير مسموح بها", "The archive contains file names that are not allowed.";
    ArchiveContent = "ARCHIVE_CONTENT", "يحتوي الأرشيف على برنامج أو أرشيف آخر", "The archive contains a program or another archive.";
    Macros = "MACROS", "يحتوي المستند على وحدات ماكرو", "The document contains macros.";
    /// A document that loads something from elsewhere when it is opened.
    ExternalContent = "EXTERNAL_CONTENT", "يحمّل المستند محتوى من مكان آخر", "The document loads content from elsewhere.";
    /// A document with another file in it.
    EmbeddedFile = "EMBEDDED_FILE", "يحتوي المستند على ملف مضمّن", "The document contains an embedded file.";
    /// A document that does something when it is opened.
    ActiveContent = "ACTIVE_CONTENT", "يحتوي المستند على إجراءات أو برامج نصية", "The document contains scripts or actions.";
    /// A picture with more in it than what is shown, of a purpose that wants none of that.
    Metadata = "METADATA", "تحتوي الصورة على بيانات وصفية، مثل مكان التقاطها", "The picture contains metadata, such as where it was taken.";
    /// The malware scanner found something.
    Malware = "MALWARE", "عُثر على برمجيات خبيثة في الملف", "Malware was found in the file.";
    /// The malware scanner could not decide.
    NotScanned = "NOT_SCANNED", "تعذر فحص الملف بحثًا عن البرمجيات الخبيثة", "The file could not be scanned for malware.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_rows_know_a_reason_by_the_code_that_it_always_had() {
        let codes = [
            "FILE_CHANGED",
            "TYPE_MISMATCH",
            "POLYGLOT",
            "UNREADABLE",
            "ENCRYPTED",
            "TOO_MANY_PIXELS",
            "ARCHIVE_TOO_LARGE",
            "ARCHIVE_BROKEN",
            "ARCHIVE_NAMES",
            "ARCHIVE_CONTENT",
            "MACROS",
            "EXTERNAL_CONTENT",
            "EMBEDDED_FILE",
            "ACTIVE_CONTENT",
            "METADATA",
            "MALWARE",
            "NOT_SCANNED",
        ];
        assert_eq!(Reason::ALL.map(Reason::name), codes);
        assert_eq!(serde_json::json!(Reason::ALL), serde_json::json!(codes));
    }

    #[test]
    fn every_reason_is_told_in_both_languages_and_found_by_its_code() {
        for reason in Reason::ALL {
            assert_eq!(Reason::named(reason.name()), Some(reason));
            assert!(reason.english().is_ascii() && reason.english().ends_with('.'));
            assert!(reason.arabic().chars().any(|c| ('\u{621}'..='\u{64a}').contains(&c)));
        }
        assert_eq!(Reason::named("OK"), None);
    }
}
