//! The calls of S3, over the files.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use axum::body::Bytes;
use futures_util::{StreamExt as _, stream};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, DeleteObjectInput, DeleteObjectOutput,
    ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, PostObjectInput,
    PostObjectOutput, PutObjectInput, PutObjectOutput, StreamingBlob, Timestamp,
};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use crate::files::{Described, Files, Problem, checksum};
use crate::{Created, LARGEST, Listener, SECRET};

/// Every access key has the same secret.
pub(crate) struct OneSecret;

#[async_trait]
impl S3Auth for OneSecret {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        Ok(SecretKey::from(SECRET.to_owned()))
    }
}

/// The buckets, as s3s calls them.
pub(crate) struct Objects {
    files: Files,
    listener: Listener,
}

/// An object that was sent, by whichever call.
struct Sent {
    bucket: String,
    key: String,
    body: Option<StreamingBlob>,
    checksum: Option<String>,
    like: Described,
}

/// Two types of s3s have the same fields.
macro_rules! sent {
    ($input:expr) => {{
        let input = $input;
        Sent {
            bucket: input.bucket,
            key: input.key,
            body: input.body,
            checksum: input.checksum_sha256,
            like: Described {
                content_type: input.content_type,
                content_disposition: input.content_disposition,
                cache_control: input.cache_control,
                ..Described::default()
            },
        }
    }};
}

fn refused(code: S3ErrorCode, message: &'static str) -> S3Error {
    S3Error::with_message(code, message)
}

impl From<Problem> for S3Error {
    fn from(problem: Problem) -> Self {
        let code = match problem {
            Problem::NoBucket => S3ErrorCode::NoSuchBucket,
            Problem::NoObject => S3ErrorCode::NoSuchKey,
            Problem::Disk(_) | Problem::Description => S3ErrorCode::InternalError,
        };
        S3Error::with_message(code, problem.to_string())
    }
}

impl Objects {
    pub(crate) fn new(files: Files, listener: Listener) -> Objects {
        Objects { files, listener }
    }

    fn tell(&self, bucket: &str, key: &str, described: &Described, reason: &'static str) {
        if self.files.bucket(bucket).is_ok_and(|bucket| bucket.tells) {
            (self.listener)(&Created {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                version: described.told_version(),
                size: described.size,
                etag: described.etag.clone(),
                reason,
            });
        }
    }

    async fn store(&self, sent: Sent, reason: &'static str) -> S3Result<Described> {
        let body = whole(sent.body).await?;
        if sent.checksum.is_some_and(|wanted| wanted != checksum(&body)) {
            return Err(refused(
                S3ErrorCode::BadDigest,
                "The SHA256 you specified did not match the calculated checksum.",
            ));
        }
        let described = self.files.put(&sent.bucket, &sent.key, &body, sent.like)?;
        self.tell(&sent.bucket, &sent.key, &described, reason);
        Ok(described)
    }
}

async fn whole(body: Option<StreamingBlob>) -> S3Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(mut body) = body else { return Ok(bytes) };
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| refused(S3ErrorCode::IncompleteBody, "The body ended early."))?;
        if bytes.len() as u64 + part.len() as u64 > LARGEST {
            return Err(refused(
                S3ErrorCode::EntityTooLarge,
                "nova local keeps no object of more than 64 MiB.",
            ));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

fn etag(described: &Described) -> Option<ETag> {
    Some(ETag::Strong(described.etag.clone()))
}

fn time(described: &Described) -> Timestamp {
    Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_millis(described.created_ms))
}

fn length(described: &Described) -> Option<i64> {
    i64::try_from(described.size).ok()
}

#[async_trait]
impl S3 for Objects {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let described = self.store(sent!(request.input), "PutObject").await?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: etag(&described),
            version_id: described.told_version(),
            checksum_sha256: Some(described.sha256),
            ..PutObjectOutput::default()
        }))
    }

    async fn post_object(
        &self,
        request: S3Request<PostObjectInput>,
    ) -> S3Result<S3Response<PostObjectOutput>> {
        let described = self.store(sent!(request.input), "POST Object").await?;
        Ok(S3Response::new(PostObjectOutput {
            e_tag: etag(&described),
            version_id: described.told_version(),
            ..PostObjectOutput::default()
        }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let (described, body) = self.files.get(&input.bucket, &input.key, input.version_id.as_deref())?;
        let body = stream::once(async { Ok::<_, std::io::Error>(Bytes::from(body)) });
        Ok(S3Response::new(GetObjectOutput {
            body: Some(StreamingBlob::wrap(body)),
            content_length: length(&described),
            e_tag: etag(&described),
            last_modified: Some(time(&described)),
            version_id: described.told_version(),
            content_type: described.content_type,
            content_disposition: described.content_disposition,
            cache_control: described.cache_control,
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let described = self.files.describe(&input.bucket, &input.key, input.version_id.as_deref())?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: length(&described),
            e_tag: etag(&described),
            last_modified: Some(time(&described)),
            version_id: described.told_version(),
            content_type: described.content_type,
            content_disposition: described.content_disposition,
            cache_control: described.cache_control,
            ..HeadObjectOutput::default()
        }))
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = request.input;
        let CopySource::Bucket { bucket, key, version_id } = &input.copy_source else {
            return Err(refused(S3ErrorCode::NotImplemented, "nova local copies from buckets alone."));
        };
        let (source, body) = self.files.get(bucket, key, version_id.as_deref())?;
        if let Some(ETagCondition::ETag(wanted)) = &input.copy_source_if_match
            && wanted.value() != source.etag
        {
            let message = "At least one of the pre-conditions you specified did not hold.";
            return Err(refused(S3ErrorCode::PreconditionFailed, message));
        }
        let is_replaced =
            input.metadata_directive.as_ref().is_some_and(|directive| directive.as_str() == "REPLACE");
        let own = Described {
            content_type: input.content_type,
            content_disposition: input.content_disposition,
            cache_control: input.cache_control,
            ..Described::default()
        };
        let like = if is_replaced { own } else { source.clone() };
        let described = self.files.put(&input.bucket, &input.key, &body, like)?;
        self.tell(&input.bucket, &input.key, &described, "CopyObject");
        Ok(S3Response::new(CopyObjectOutput {
            copy_source_version_id: source.told_version(),
            version_id: described.told_version(),
            copy_object_result: Some(CopyObjectResult {
                e_tag: etag(&described),
                last_modified: Some(time(&described)),
                checksum_sha256: Some(described.sha256),
                ..CopyObjectResult::default()
            }),
            ..CopyObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        self.files.delete(&input.bucket, &input.key, input.version_id.as_deref())?;
        Ok(S3Response::new(DeleteObjectOutput {
            version_id: input.version_id,
            ..DeleteObjectOutput::default()
        }))
    }
}
