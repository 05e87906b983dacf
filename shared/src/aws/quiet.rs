//! What the SDK tells AWS about itself with each request: its version, the machine, its features, how often it tried and how
//! long it will wait. DynamoDB answers without that, and a decision would spend a thirtieth of its work on it.

use aws_runtime::{request_info::RequestInfoInterceptor, user_agent::UserAgentInterceptor};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut},
            disable_interceptor, dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

/// Leaves it out, and sends one short name in its place, which CloudTrail shows.
#[derive(Debug)]
pub(super) struct Quiet;

const NAME: &str = "nova-auth";
const WHY: &str = "it costs each request more than it tells anybody";

#[dyn_dispatch_hint]
impl Intercept for Quiet {
    fn name(&self) -> &'static str {
        "Quiet"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let state = config.interceptor_state();
        state.store_put(disable_interceptor::<UserAgentInterceptor>(WHY));
        state.store_put(disable_interceptor::<RequestInfoInterceptor>(WHY));
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().insert("user-agent", NAME);
        Ok(())
    }
}
