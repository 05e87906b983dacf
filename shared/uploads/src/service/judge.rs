//! A verdict, noted; and word of what became of it.

use jiff::Timestamp;

use super::{Failed, Uploads};
use crate::{
    events::Place,
    key::of_quarantine_key,
    upload::{Judge, Verdict},
    wanted::UploadId,
};

impl Uploads {
    /// The upload that an object of the quarantine bucket belongs to. Nothing, for another bucket, or a key that no form has.
    #[must_use]
    pub fn upload_at(&self, place: &Place) -> Option<UploadId> {
        of_quarantine_key(&place.key).filter(|_| place.bucket == self.quarantine).map(|(_, id)| id)
    }

    /// Notes what a judge says of an object.
    ///
    /// # Errors
    /// [`Failed`]. It may be said again.
    pub async fn note(
        &self,
        id: UploadId,
        place: &Place,
        judge: Judge,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<(), Failed> {
        let counted = self.store.judge(id, judge, &place.version, verdict, now).await?;
        // Both are counted, so that the silence of one shows.
        let metric = match judge {
            Judge::Inspection => "upload_inspected",
            Judge::Malware => "upload_scanned",
        };
        let (judge, verdict) = (judge.attribute(), verdict.as_str());
        tracing::info!(metric = counted.then_some(metric), upload.id = %id, judge, verdict, counted, "judged");
        Ok(())
    }
}
