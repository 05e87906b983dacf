//! Where services are: AWS's partitions each have a domain of their own, which the SDK knows.

use aws_sdk_cloudformation::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};

use super::service::Service;

/// A region, and the domain of its partition.
#[derive(Debug)]
pub(crate) struct Partition {
    name: String,
    region: String,
    suffix: String,
}

impl Partition {
    /// The partition of this name, seen from one of its regions.
    ///
    /// # Errors
    /// When the SDK does not know the region.
    pub(crate) async fn new(name: &str, region: &str) -> Result<Self, String> {
        let unknown = || format!("the SDK does not know where the services of {region} are");
        // The SDK's partitions are private; an endpoint in the region has the domain in it.
        let parameters = Params::builder().region(region).build().map_err(|_| unknown())?;
        let endpoint = DefaultResolver::new().resolve_endpoint(&parameters).await.map_err(|_| unknown())?;
        let before = format!("https://cloudformation.{region}.");
        let suffix = endpoint.url().strip_prefix(&before).ok_or_else(unknown)?.to_owned();
        Ok(Self { name: name.to_owned(), region: region.to_owned(), suffix })
    }

    pub(crate) fn host(&self, service: Service) -> String {
        let suffix = &self.suffix;
        match (service, self.name.as_str()) {
            (Service::Iam, "aws") => format!("iam.{suffix}"),
            (Service::Iam, "aws-us-gov") => format!("iam.us-gov.{suffix}"),
            (Service::Iam, _) => format!("iam.{}.{suffix}", self.signing_region(service)),
            (Service::Ses, _) => format!("email.{}.{suffix}", self.region),
            _ => format!("{}.{}.{suffix}", service.name(), self.region),
        }
    }

    /// IAM is one for all regions of a partition, and signed for the one where it is. The SDK says that in the crate of IAM alone.
    pub(crate) fn signing_region(&self, service: Service) -> &str {
        match (service, self.name.as_str()) {
            (Service::Iam, "aws") => "us-east-1",
            (Service::Iam, "aws-cn") => "cn-north-1",
            (Service::Iam, "aws-us-gov") => "us-gov-west-1",
            (Service::Iam, "aws-eusc") => "eusc-de-east-1",
            (Service::Iam, "aws-iso") => "us-iso-east-1",
            (Service::Iam, "aws-iso-b") => "us-isob-east-1",
            (Service::Iam, "aws-iso-e") => "eu-isoe-west-1",
            (Service::Iam, "aws-iso-f") => "us-isof-south-1",
            _ => &self.region,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_service_is_where_its_partition_has_it() {
        for (name, region, iam, sns) in [
            ("aws", "eu-central-1", "iam.amazonaws.com", "sns.eu-central-1.amazonaws.com"),
            ("aws-us-gov", "us-gov-east-1", "iam.us-gov.amazonaws.com", "sns.us-gov-east-1.amazonaws.com"),
            (
                "aws-cn",
                "cn-northwest-1",
                "iam.cn-north-1.amazonaws.com.cn",
                "sns.cn-northwest-1.amazonaws.com.cn",
            ),
            (
                "aws-eusc",
                "eusc-de-east-1",
                "iam.eusc-de-east-1.amazonaws.eu",
                "sns.eusc-de-east-1.amazonaws.eu",
            ),
            ("aws-iso", "us-iso-west-1", "iam.us-iso-east-1.c2s.ic.gov", "sns.us-iso-west-1.c2s.ic.gov"),
        ] {
            let partition = Partition::new(name, region).await.unwrap();
            assert_eq!(
                (partition.host(Service::Iam).as_str(), partition.host(Service::Sns).as_str()),
                (iam, sns)
            );
        }
        let frankfurt = Partition::new("aws", "eu-central-1").await.unwrap();
        assert_eq!(frankfurt.host(Service::CloudWatch), "monitoring.eu-central-1.amazonaws.com");
        assert_eq!(frankfurt.host(Service::Ses), "email.eu-central-1.amazonaws.com");
        assert_eq!(frankfurt.host(Service::Sqs), "sqs.eu-central-1.amazonaws.com");
        assert_eq!(frankfurt.host(Service::EventBridge), "events.eu-central-1.amazonaws.com");
    }
}
