//! Which language an answer is in: `Accept-Language` (RFC 9110, section 12.5.4) against what we speak.
//!
//! Our own few lines rather than a crate: the one made for it (`accept-language` 3.1) takes `q=0` for a wish, does not
//! match `ar-EG` with `ar`, and sorts by a comparison that `q=nan` makes inconsistent.

/// A language that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Arabic.
    Arabic,
    /// English.
    English,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::Arabic, Self::English];

    /// Its tag, for `Content-Language`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Arabic => "ar",
            Self::English => "en",
        }
    }

    /// The language that the client likes best of ours; of two that it likes as well, the one it names first, and
    /// `default` where it names none.
    #[must_use]
    pub fn negotiate(accept_language: Option<&str>, default: Self) -> Self {
        let mut best = (0, default);
        for wish in accept_language.unwrap_or_default().split(',') {
            let mut parts = wish.split(';');
            let range = parts.next().unwrap_or_default().trim();
            let quality = parts.next().map_or(Some(1000), quality);
            let language = if range == "*" { Some(default) } else { Self::of_range(range) };
            if let (Some(language), Some(quality)) = (language, quality)
                && quality > best.0
            {
                best = (quality, language);
            }
        }
        best.1
    }

    /// `ar`, `ar-EG`, `AR`: the primary subtag decides (RFC 4647, section 3.4, lookup).
    fn of_range(range: &str) -> Option<Self> {
        let primary = range.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

/// `q=0.8` in thousandths. What is no weight makes the wish none.
fn quality(parameter: &str) -> Option<u16> {
    let value = parameter.trim().strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')?.trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{fraction:0<3}").parse::<u16>().ok().filter(|_| digits)?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(header: &str) -> &'static str {
        Language::negotiate(Some(header), Language::Arabic).tag()
    }

    #[test]
    fn a_client_is_answered_in_the_language_it_likes_best_of_ours() {
        for (header, tag) in [
            ("en", "en"),
            ("en-US,en;q=0.9,ar;q=0.8", "en"),
            ("ar-EG, en;q=0.5", "ar"),
            ("fr-FR, en;q=0.3", "en"),
            ("EN", "en"),
            ("ar;q=0.5, en;q=0.501", "en"),
            ("en;q=0.7, ar;q=0.7", "en"),
        ] {
            assert_eq!(negotiated(header), tag, "{header}");
        }
    }

    #[test]
    fn who_asks_for_none_of_ours_gets_the_default() {
        for header in ["", "fr", "*", "en;q=0", "en;q=0.000", "english", ",,;;,", "fr, *;q=0.1"] {
            assert_eq!(negotiated(header), "ar", "{header}");
        }
        assert_eq!(Language::negotiate(None, Language::English), Language::English);
    }

    #[test]
    fn a_weight_that_is_none_is_no_wish() {
        for header in ["en;q=nan", "en;q=-1", "en;q=2", "en;q=1.001", "en;q=0.1234", "en;q", "en;q=0.٣"] {
            assert_eq!(negotiated(header), "ar", "{header}");
        }
    }
}
