//! The browser and the system that a `User-Agent` header claims, for people to recognise: names of a closed set, so that nothing a
//! stranger writes there stands in a mail. Nothing is decided by it.

use serde::{Deserialize, Serialize};

/// A browser and a system, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<Browser>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
}

/// Says each name once: its variant, and what people call it.
macro_rules! names {
    ($(#[$doc:meta])+ $kind:ident { $($name:ident => $text:literal,)+ }) => {
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $kind {
            $(#[doc = $text] $name,)+
        }

        impl $kind {
            /// What people call it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

names! {
    /// A family of browsers.
    Browser {
        Edge => "Edge",
        Opera => "Opera",
        Samsung => "Samsung Internet",
        Firefox => "Firefox",
        Chrome => "Chrome",
        Safari => "Safari",
    }
}

names! {
    /// A family of systems.
    System {
        Iphone => "iPhone",
        Ipad => "iPad",
        Android => "Android",
        Windows => "Windows",
        Mac => "macOS",
        ChromeOs => "ChromeOS",
        Linux => "Linux",
    }
}

/// In this order: each browser names those that it wants to be taken for, too.
const BROWSERS: [(&str, Browser); 11] = [
    ("Edg/", Browser::Edge),
    ("EdgA/", Browser::Edge),
    ("EdgiOS/", Browser::Edge),
    ("OPR/", Browser::Opera),
    ("SamsungBrowser/", Browser::Samsung),
    ("Firefox/", Browser::Firefox),
    ("FxiOS/", Browser::Firefox),
    ("CriOS/", Browser::Chrome),
    ("Chrome/", Browser::Chrome),
    ("Chromium/", Browser::Chrome),
    ("Safari/", Browser::Safari),
];

const SYSTEMS: [(&str, System); 7] = [
    ("iPhone", System::Iphone),
    ("iPad", System::Ipad),
    ("Android", System::Android),
    ("Windows NT", System::Windows),
    ("Macintosh", System::Mac),
    ("CrOS", System::ChromeOs),
    ("Linux", System::Linux),
];

impl Client {
    /// What a header says.
    #[must_use]
    pub fn of(user_agent: &str) -> Self {
        fn first<T: Copy>(user_agent: &str, known: &[(&str, T)]) -> Option<T> {
            known.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
        }
        Self { browser: first(user_agent, &BROWSERS), system: first(user_agent, &SYSTEMS) }
    }

    /// `Firefox, Windows`, or the one of the two that is known.
    #[must_use]
    pub fn name(self) -> Option<String> {
        let names = [self.browser.map(Browser::name), self.system.map(System::name)];
        let names: Vec<_> = names.into_iter().flatten().collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_recognise_their_browser_and_its_system() {
        for (user_agent, name) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome, Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
                "Safari, macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
                "Chrome, iPhone",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox, Linux"),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
                "Samsung Internet, Android",
            ),
            ("okhttp/5.1 (Android)", "Android"),
        ] {
            assert_eq!(Client::of(user_agent).name().as_deref(), Some(name), "{user_agent}");
        }
    }

    #[test]
    fn a_mail_repeats_nothing_that_a_stranger_wrote_into_a_header() {
        for user_agent in ["", "curl/8.16", "call +1 555 0100 now", "<b>Chrome</b>"] {
            assert_eq!(Client::of(user_agent).name(), None, "{user_agent}");
        }
    }

    #[test]
    fn a_row_keeps_it() {
        for client in [Client::default(), Client::of("Windows NT Firefox/"), Client::of("CrOS")] {
            let row = serde_json::to_value(client).unwrap();
            assert_eq!(serde_json::from_value::<Client>(row).unwrap(), client);
        }
    }
}
