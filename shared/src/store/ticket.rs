//! `TICKET#<jti>` / `USED`: a ticket that opened a connection, until it would be too old to.

use jiff::{SignedDuration, Timestamp};

use super::{Store, StoreError, change::conditional, item};
use crate::domain::{claims::LEEWAY, ids::TicketId, moment::Moment};

/// A ticket is taken for this long after its end, and its row has to be there until then.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_secs(60);
const _: () = assert!(KEPT_AFTER_END.as_secs() > LEEWAY.as_secs());

impl Store {
    /// Uses a ticket up, which is the first to do so; the same request may do it again, where it heard nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then it may be used up, and nobody is let in.
    pub async fn use_ticket(
        &self,
        ticket: TicketId,
        expires: Timestamp,
        moment: &Moment,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "use a ticket";
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.sessions)
            .set_item(Some(item::key(format!("TICKET#{ticket}"), "USED")))
            .item("usedBy", item::text(moment.request.as_str()))
            .item("expiresAt", item::ttl(expires + KEPT_AFTER_END))
            .condition_expression("attribute_not_exists(pk) OR usedBy = :request")
            .expression_attribute_values(":request", item::text(moment.request.as_str()));
        Ok(conditional(OPERATION, || put.clone().send()).await?.is_some())
    }
}
