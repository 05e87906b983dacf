//! Writes that one item decides about: each is made again where it met another write at the item.

use std::future::Future;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::{StoreError, item::Item, retry::past_conflicts};
use crate::aws::{Code, Meaning};

/// What a write under a condition answered; `None`: the condition failed.
pub(super) async fn conditional<T, E, F>(
    operation: &'static str,
    send: impl Fn() -> F,
) -> Result<Option<T>, StoreError>
where
    E: ProvideErrorMetadata,
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
{
    past_conflicts(|| async {
        match send().await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if Code::of(&error).meaning() == Meaning::ConditionFailed => Ok(None),
            Err(error) => Err(StoreError::from_sdk(operation, &error)),
        }
    })
    .await
}

/// How an update ended that showed the item either way.
pub(super) enum Updated {
    /// It took; the item as it is now.
    Took(Item),
    /// Its condition failed; the item that it failed on, if there is one.
    Lost(Option<Item>),
}

/// Makes an update that shows the item either way.
pub(super) async fn updated(
    operation: &'static str,
    update: UpdateItemFluentBuilder,
) -> Result<Updated, StoreError> {
    let update = update
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    past_conflicts(|| async {
        match update.clone().send().await {
            Ok(answer) => answer.attributes.map(Updated::Took).ok_or(StoreError::Malformed { operation }),
            Err(SdkError::ServiceError(answer)) if answer.err().is_conditional_check_failed_exception() => {
                match answer.into_err() {
                    UpdateItemError::ConditionalCheckFailedException(failure) => {
                        Ok(Updated::Lost(failure.item))
                    }
                    _ => Ok(Updated::Lost(None)),
                }
            }
            Err(error) => Err(StoreError::from_sdk(operation, &error)),
        }
    })
    .await
}
