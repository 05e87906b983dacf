//! Which language an answer is in: `Accept-Language` (RFC 9110, section 12.5.4) against what we speak.
//!
//! Our own few lines rather than a crate: the one made for it (`accept-language` 3.1) takes `q=0` for a wish, does not
//! match `ar-EG` with `ar`, and sorts by a comparison that `q=nan` makes inconsistent.

crate::domain::named! {
    /// A language that we speak, by its tag (RFC 5646).
    pub enum Language {
        Arabic = "ar",
        English = "en",
    }
}

impl Language {
    /// The language that the client likes best of ours; of two that it likes as well, the one it names first, and
    /// `default` where it names none. Several header lines are one list. `*` stands for every language that no other
    /// range names, and of those for `default` first.
    #[must_use]
    pub fn negotiate<'h>(accept_language: impl IntoIterator<Item = &'h str>, default: Self) -> Self {
        let (mut named, mut others) = (Vec::new(), None);
        for wish in accept_language.into_iter().flat_map(|line| line.split(',')) {
            let mut parts = wish.split(';');
            let range = parts.next().unwrap_or_default().trim();
            let Some(quality) = parts.next().map_or(Some(1000), quality) else { continue };
            if range == "*" {
                others = others.or(Some(quality));
            } else if let Some(language) = Self::of_range(range) {
                named.push((language, quality));
            }
        }
        // What no other range names.
        for language in [default].into_iter().chain(Self::ALL) {
            if let Some(quality) = others
                && named.iter().all(|(known, _)| *known != language)
            {
                named.push((language, quality));
            }
        }
        let mut best = (0, default);
        for (language, quality) in named {
            if quality > best.0 {
                best = (quality, language);
            }
        }
        best.1
    }

    /// `ar`, `ar-EG`, `AR`: the primary subtag decides (RFC 4647, section 3.4, lookup). `en_US`, as operating systems write
    /// it and some clients send it, is meant so too.
    fn of_range(range: &str) -> Option<Self> {
        let primary = range.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.name().eq_ignore_ascii_case(primary))
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
        Language::negotiate([header], Language::Arabic).name()
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
    fn a_star_stands_for_what_no_other_range_names() {
        for (header, tag) in [
            ("ar;q=0, *", "en"),
            ("*, ar;q=0", "en"),
            ("ar;q=0.5, *;q=0.8", "en"),
            ("ar;q=0.5, *;q=0.3", "ar"),
            ("ar;q=0.5, *;q=0.5", "ar"),
            ("en;q=0.1, *", "ar"),
            ("en, *", "en"),
            ("ar;q=0, en;q=0, *", "ar"),
            ("en;q=0.2, *;q=0", "en"),
        ] {
            assert_eq!(negotiated(header), tag, "{header}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let negotiated = |lines: &[&str]| Language::negotiate(lines.iter().copied(), Language::Arabic).name();
        assert_eq!(negotiated(&["fr", "en"]), "en");
        assert_eq!(negotiated(&["ar;q=0.5", "en;q=0.8"]), "en");
        assert_eq!(negotiated(&["ar;q=0", "*"]), "en");
        assert_eq!(negotiated(&["en;q=0.5", "ar"]), "ar");
    }

    #[test]
    fn a_region_may_be_joined_by_an_underscore() {
        for header in ["en_US", "en_US.UTF-8", "EN_us;q=0.3", "fr_FR, en_GB;q=0.5"] {
            assert_eq!(negotiated(header), "en", "{header}");
        }
        assert_eq!(negotiated("english_US"), "ar");
    }

    #[test]
    fn who_asks_for_none_of_ours_gets_the_default() {
        for header in ["", "fr", "*", "en;q=0", "en;q=0.000", "english", ",,;;,", "fr, *;q=0.1"] {
            assert_eq!(negotiated(header), "ar", "{header}");
        }
        assert_eq!(Language::negotiate([], Language::English), Language::English);
        assert_eq!(Language::negotiate(["*"], Language::English), Language::English);
    }

    #[test]
    fn a_weight_that_is_none_is_no_wish() {
        for header in ["en;q=nan", "en;q=-1", "en;q=2", "en;q=1.001", "en;q=0.1234", "en;q", "en;q=0.٣"] {
            assert_eq!(negotiated(header), "ar", "{header}");
        }
    }
}
