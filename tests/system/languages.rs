//! The language of what is not a refusal: a good answer, and the faults of a body's fields.

use serde_json::json;

use crate::support::client::Client;
use crate::support::stack::{PASSWORD, System};

#[tokio::test]
async fn every_good_answer_speaks_the_clients_language_too() {
    let system = System::start().await;
    let (sara, client) = (system.user("sara").await, Client::at(2));
    for (wish, message) in [("ar", "تم تسجيل الخروج بنجاح"), ("en", "You are logged out.")]
    {
        let pair = system.login(&client, &sara).await;
        let request = client.request("POST", &system.auth("logout")).bearer_auth(&pair.access);
        let answer = client.send(request.header("accept-language", wish)).await;
        answer.expect_envelope();
        assert_eq!(answer.body, json!({"success": true, "message": message}));
        assert_eq!(answer.header("content-language"), wish);
    }
    let login = system.try_login(&client, &sara.email, PASSWORD).await;
    assert_eq!(login.header("ratelimit-policy"), "\"account\";q=5;w=900");
    assert_eq!(login.header("ratelimit"), "\"account\";r=5;t=900");
}

#[tokio::test]
async fn every_fault_of_a_field_is_named_in_both_languages_at_once() {
    let system = System::start().await;
    let client = Client::at(2);
    let (url, body) = (system.auth("login"), json!({"email": "", "password": 7, "deviceInfo": []}));
    let error = |field, code, message| json!({"field": field, "code": code, "message": message});
    let english = client.post_in_english(&url, &body).await;
    english.expect(400, "VALIDATION_FAILED");
    assert_eq!(
        english.body["errors"],
        json!([
            error("email", "REQUIRED", "This field is required."),
            error("password", "WRONG_TYPE", "The value has the wrong type."),
            error("deviceInfo", "WRONG_TYPE", "The value has the wrong type."),
        ])
    );
    let arabic = client.post(&url, &body).await;
    assert_eq!(arabic.body["errors"][0], error("email", "REQUIRED", "هذا الحقل مطلوب"));
    assert_eq!(arabic.body["errors"][1], error("password", "WRONG_TYPE", "نوع القيمة غير صحيح"));
}

/// It does not read `Accept-Language`.
#[tokio::test]
async fn what_the_gateway_refuses_by_itself_speaks_the_language_of_the_stack() {
    for (language, message) in [("ar", "المورد غير موجود"), ("en", "There is no such resource.")]
    {
        let system = System::start_with(|options| {
            options.parameters.insert("DefaultLanguage".to_owned(), language.to_owned());
        })
        .await;
        let answer = Client::at(2).get(&system.auth("nothing"), None).await;
        answer.expect(404, "NOT_FOUND");
        assert_eq!(answer.text("/message"), message);
        assert_eq!(answer.header("content-language"), language);
    }
}
