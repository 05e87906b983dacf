//! The types of file that can be told apart. Everything else is refused: there is no "other".

nova_auth_domain::named! {
    /// A type of file that the inspection knows from its content, by its media type, as forms and rules write it: no parameters, no
    /// other case.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Kind {
        Png = "image/png",
        Jpeg = "image/jpeg",
        Webp = "image/webp",
        Pdf = "application/pdf",
        /// A Word document without macros.
        Docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        /// An Excel workbook without macros.
        Xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        /// A PowerPoint presentation without macros.
        Pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        /// A ZIP archive that is none of the above.
        Zip = "application/zip",
    }
}

impl Kind {
    /// Whether it is a picture.
    #[must_use]
    pub const fn is_picture(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Webp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_stored_under_the_name_that_rules_write() {
        let names = [
            "image/png",
            "image/jpeg",
            "image/webp",
            "application/pdf",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "application/zip",
        ];
        assert_eq!(Kind::ALL.map(Kind::name), names);
        assert_eq!(serde_json::json!(Kind::ALL), serde_json::json!(names));
        for other in ["image/PNG", "image/png; a=b", "image/svg+xml", "text/html", ""] {
            assert_eq!(Kind::named(other), None, "{other}");
        }
    }
}
