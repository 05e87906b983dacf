//! The types of file that can be told apart. Everything else is refused: there is no "other".

use serde::{Deserialize, Serialize};

/// A type of file that the inspection knows from its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/webp")]
    Webp,
    #[serde(rename = "application/pdf")]
    Pdf,
    /// A Word document without macros.
    #[serde(rename = "application/vnd.openxmlformats-officedocument.wordprocessingml.document")]
    Docx,
    /// An Excel workbook without macros.
    #[serde(rename = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")]
    Xlsx,
    /// A PowerPoint presentation without macros.
    #[serde(rename = "application/vnd.openxmlformats-officedocument.presentationml.presentation")]
    Pptx,
    /// A ZIP archive that is none of the above.
    #[serde(rename = "application/zip")]
    Zip,
}

impl Kind {
    pub const ALL: [Self; 8] =
        [Self::Png, Self::Jpeg, Self::Webp, Self::Pdf, Self::Docx, Self::Xlsx, Self::Pptx, Self::Zip];

    /// Whether it is a picture.
    #[must_use]
    pub const fn is_picture(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Webp)
    }

    /// The media type, as forms and rules name it.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Pptx => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            Self::Zip => "application/zip",
        }
    }

    /// The type of this name, exactly as it is written: no parameters, no other case.
    #[must_use]
    pub fn of_media_type(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.media_type() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_stored_under_the_name_that_rules_write() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.media_type());
            assert_eq!(Kind::of_media_type(kind.media_type()), Some(kind));
        }
        for other in ["image/PNG", "image/png; a=b", "image/svg+xml", "text/html", ""] {
            assert_eq!(Kind::of_media_type(other), None, "{other}");
        }
    }
}
