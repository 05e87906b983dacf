//! [`named!`](crate::named!): enums whose variants have names in rows, tokens, answers and logs.

/// Declares an enum whose variants each say their name, in one place.
///
/// ```
/// nova_auth_domain::named! {
///     /// Where a session's refresh tokens travel.
///     #[derive(Hash)]
///     pub enum Delivery {
///         /// In JSON bodies.
///         Body = "body",
///         Cookie = "cookie",
///     }
/// }
/// ```
///
/// It gives the enum
///
/// - `ALL`: the variants, in their order;
/// - `name`: the variant's name;
/// - `named`: the variant with that name, exactly as written;
/// - `Serialize` and `Deserialize` by that name. With `#[serde(other)]` a variant also stands for the names that this version
///   does not know: only in what serde reads, while `named` finds nothing for them;
/// - `Debug`, `Clone`, `Copy`, `PartialEq` and `Eq`. Other traits are derived as usual.
///
/// A name that was stored or published never changes. The crate that declares the enum needs `serde`.
#[macro_export]
macro_rules! named {
    (
        $(#[$about:meta])*
        $vis:vis enum $kind:ident {
            $($(#[$attribute:meta])* $variant:ident = $name:literal,)+
        }
    ) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        $(#[$about])*
        $vis enum $kind {
            $($(#[$attribute])* #[serde(rename = $name)] $variant,)+
        }

        impl $kind {
            /// All of them, in the order of their declaration.
            $vis const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Its name.
            #[must_use]
            $vis const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The one with this name, exactly as written.
            #[must_use]
            $vis fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    named! {
        #[derive(PartialOrd, Ord, Default)]
        enum Shape {
            #[default]
            Round = "ROUND",
            LongAndThin = "long-and-thin",
            /// Of a later version.
            #[serde(other)]
            Other = "other",
        }
    }

    #[test]
    fn a_variant_is_written_and_found_by_its_one_name() {
        assert_eq!(Shape::ALL.map(Shape::name), ["ROUND", "long-and-thin", "other"]);
        for shape in Shape::ALL {
            assert_eq!(Shape::named(shape.name()), Some(shape));
            assert_eq!(serde_json::to_value(shape).unwrap(), shape.name());
            assert_eq!(serde_json::from_value::<Shape>(shape.name().into()).unwrap(), shape);
        }
        assert!(Shape::default() < Shape::LongAndThin);
    }

    #[test]
    fn a_name_that_nobody_declared_is_never_taken_for_one_that_is() {
        for name in ["", "round", "Round", " ROUND", "LongAndThin", "square"] {
            assert_eq!(Shape::named(name), None, "{name}");
            assert_eq!(serde_json::from_value::<Shape>(name.into()).unwrap(), Shape::Other, "{name}");
        }
    }
}
