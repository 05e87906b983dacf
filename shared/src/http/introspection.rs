//! What a server is told of a token: RFC 7662's members, and ours.

use serde_json::{Map, Value, json};

use super::{Request, error::Problem};
use crate::{
    domain::{
        address::ClientAddress,
        assurance::Demand,
        refusal::{Fault, Refusal},
        rules::Call,
    },
    flows::introspect::{Active, Question},
    keys::Token,
    messages::Language,
};

/// The name of an API's rules may be this long.
const MAX_API: usize = 128;

/// The body of an introspection: the token, and what is called with it, if the server wants to know that, too.
///
/// # Errors
/// `Invalid` and the other refusals of a body.
pub fn asked(request: &Request) -> Result<(Token, Option<Question>), Refusal> {
    let mut fields = request.form_or_json()?;
    let token = fields.text("token");
    let (api, call) = (fields.optional_text("api"), fields.optional_text("call"));
    let address = fields.optional_text("address");
    let address = address.map(|address| ClientAddress::parse(&address));
    if address == Some(ClientAddress::Unknown) {
        fields.refuse("address", Fault::Invalid);
    }
    let call = call.map(|call| Call::parse(&call));
    if call == Some(None) {
        fields.refuse("call", Fault::Invalid);
    }
    let question = match (api, call.flatten()) {
        (Some(api), call) => {
            if api.len() > MAX_API {
                fields.refuse("api", Fault::TooLong);
            }
            if call.is_none() {
                fields.refuse("call", Fault::Required);
            }
            call.map(|call| Question { api, call, address })
        }
        (None, Some(_)) => {
            fields.refuse("api", Fault::Required);
            None
        }
        (None, None) => None,
    };
    fields.finish(token.map(|token| (Token::new(token), question)))
}

/// The answer. A server that asked about a call may look at `allowed` alone.
#[must_use]
pub fn told(active: Option<&Active>, is_about_a_call: bool, language: Language) -> Value {
    let Some(Active { claims, who, answer }) = active else {
        return if is_about_a_call {
            json!({"active": false, "allowed": false})
        } else {
            json!({"active": false})
        };
    };
    let mut told = json!({
        "active": true,
        "token_type": "Bearer",
        "iss": claims.iss,
        "aud": claims.aud,
        "sub": claims.sub,
        "iat": claims.iat,
        "exp": claims.exp,
        "jti": claims.jti,
        "sid": claims.sid,
        "username": who.profile.email.as_str(),
        "role": who.profile.role.as_str(),
        "permissions": who.profile.permissions,
        "acr": who.session.acr().name(),
        "amr": who.session.methods(),
        "auth_time": who.session.authenticated_at().as_second(),
    });
    let members = told.as_object_mut();
    if let Some(members) = members {
        members.extend(claims.client_id.clone().map(|client| ("client_id".to_owned(), client.into())));
        members.extend(answer.clone().map(|answer| verdict(answer, language)).into_iter().flatten());
    }
    told
}

/// Yes, or why not.
fn verdict(answer: Result<(), Refusal>, language: Language) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("allowed".to_owned(), answer.is_ok().into());
    if let Err(refusal) = answer {
        let problem = Problem::Refused(refusal);
        members.insert("code".to_owned(), problem.row().1.into());
        members.insert("message".to_owned(), problem.message(language).into());
        members.extend(
            problem.demand().map(Demand::challenge).map(|said| ("challenge".to_owned(), said.into())),
        );
    }
    members
}
