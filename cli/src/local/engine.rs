//! `nova local --dynamodb URL`: which DynamoDB it is, and as whom the functions reach it.

use std::collections::BTreeMap;
use std::error::Error;

use nova_local::{Engine, Origin};

use crate::place::Target;
use crate::place::aws::Aws;

/// The engine of this URL: one on this machine by `http`, an account's by `https`, with the credentials that any AWS program
/// would find.
///
/// # Errors
/// When it is no URL of either, or there are no credentials for an account.
pub(super) async fn at(url: &str) -> Result<Engine, Box<dyn Error>> {
    if url.starts_with("https://") {
        return of_an_account(url.trim_end_matches('/')).await;
    }
    let origin: Origin = url.parse().map_err(|_| {
        format!(
            "--dynamodb {url}: expected http://HOST:PORT, such as http://127.0.0.1:8000, or an account's \
             https://dynamodb.REGION.amazonaws.com"
        )
    })?;
    Ok(Engine::on_this_machine(origin))
}

async fn of_an_account(url: &str) -> Result<Engine, Box<dyn Error>> {
    let aws = Aws::load(&Target::in_region(region(url))).await?;
    let credentials = aws.credentials();
    // Without a session token there has to be an empty one, over the one that functions have here.
    let token = credentials.session_token().unwrap_or_default();
    let identity = [
        ("AWS_REGION", aws.region()),
        ("AWS_DEFAULT_REGION", aws.region()),
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id()),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key()),
        ("AWS_SESSION_TOKEN", token),
    ];
    let identity = identity.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Engine { url: url.to_owned(), identity: BTreeMap::from(identity), own: None })
}

/// `eu-central-1` of `https://dynamodb.eu-central-1.amazonaws.com`: requests are signed for the region that they go to.
fn region(url: &str) -> Option<String> {
    let host = url.strip_prefix("https://")?.split(['/', ':']).next()?;
    let region = host.strip_prefix("dynamodb.")?.split_once(".amazonaws.com")?.0;
    (!region.is_empty() && !region.contains('.')).then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_of_an_account_stands_in_its_url() {
        let of = |url: &str| region(url);
        assert_eq!(of("https://dynamodb.eu-central-1.amazonaws.com").as_deref(), Some("eu-central-1"));
        assert_eq!(of("https://dynamodb.cn-north-1.amazonaws.com.cn/").as_deref(), Some("cn-north-1"));
        assert_eq!(of("https://vpce-1.dynamodb.eu-central-1.vpce.amazonaws.com"), None);
        assert_eq!(of("https://example.com"), None);
    }

    #[tokio::test]
    async fn an_engine_on_this_machine_is_reached_by_everybody_with_the_same_key() {
        let engine = at("http://127.0.0.1:8000").await.unwrap();
        assert_eq!(engine.url, "http://127.0.0.1:8000");
        assert_eq!(engine.identity["AWS_ACCESS_KEY_ID"], "local");
        for url in ["", "8000", "ftp://127.0.0.1:8000", "http://127.0.0.1:8000/shell"] {
            let line = at(url).await.unwrap_err().to_string();
            assert!(line.starts_with(&format!("--dynamodb {url}: expected http://HOST:PORT")), "{line}");
        }
    }
}
