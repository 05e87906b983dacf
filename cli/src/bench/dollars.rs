//! Dollars, from what was measured and counted, and from a file of prices.

use serde::{Deserialize, Serialize};

use super::calls::Calls;
use super::figure::COMPUTED;

/// The file.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Prices {
    pub(super) region: String,
    pub(super) as_of: String,
    pub(super) source: String,
    pub(super) dollars: Dollars,
    pub(super) assumptions: Assumptions,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Dollars {
    lambda_million_requests: f64,
    lambda_gb_second_arm64: f64,
    lambda_gb_second_x86: f64,
    dynamodb_million_read_units: f64,
    dynamodb_million_write_units: f64,
    pub(super) dynamodb_gb_month: f64,
    logs_gb: f64,
    pub(super) secret_month: f64,
    api_gateway_rest_million: f64,
    api_gateway_http_million: f64,
}

/// What nobody can measure on one machine.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Assumptions {
    /// Of one round trip within a region.
    dynamodb_round_trip_ms: f64,
    /// With this much memory a function has one whole CPU.
    vcpu_megabytes: f64,
    /// What Lambda writes itself about each call: START, END, REPORT.
    platform_log_bytes_per_call: f64,
    /// What it adds to a line of ours that has no time: a time and a level. The authorizer's are such, and Lambda is told to
    /// write nothing itself about a call of it that went well.
    platform_log_bytes_per_brief_line: f64,
    pub(super) secrets: f64,
    pub(super) days_a_month: f64,
    pub(super) active_users_a_day: f64,
    pub(super) logins_per_active_user_day: f64,
    pub(super) refreshes_per_active_user_day: f64,
    pub(super) decisions_per_active_user_day: f64,
    pub(super) sessions_kept_per_user: f64,
    pub(super) events_kept_per_user: f64,
}

/// What one operation takes, whoever pays.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) cpu_ms: f64,
    pub(super) log_bytes: f64,
    pub(super) platform_log: PlatformLog,
    pub(super) calls: Calls,
}

/// What Lambda writes about a call, beside what the function does.
#[derive(Debug, Clone, Copy)]
pub(super) enum PlatformLog {
    /// START, END, REPORT.
    Reports,
    /// A time and a level, in the function's own line.
    BriefLine,
    /// Nothing.
    Nothing,
}

/// A million of one operation.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Million {
    /// `computed`, all of it.
    how: &'static str,
    memory_megabytes: u64,
    /// As Lambda bills it: whole milliseconds, begun ones too.
    pub(super) billed_ms: f64,
    lambda_requests: f64,
    lambda_compute_arm64: f64,
    lambda_compute_x86: f64,
    dynamodb_reads: f64,
    dynamodb_writes: f64,
    logs: f64,
    /// All of the above, on arm64.
    pub(super) total: f64,
    /// Beside it, where API Gateway is in front. A decision is made for a call that pays for it anyway.
    api_gateway_rest_apart: f64,
    api_gateway_http_apart: f64,
}

impl Million {
    /// Lambda on arm64, DynamoDB, logs, and all three.
    pub(super) fn parts(&self) -> [f64; 4] {
        let lambda = self.lambda_requests + self.lambda_compute_arm64;
        [lambda, self.dynamodb_reads + self.dynamodb_writes, self.logs, self.total]
    }
}

/// One size that a function could have.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Size {
    megabytes: u64,
    /// CPU time at this size's share of a CPU, and the round trips.
    ms: f64,
    /// A million calls: requests and compute on arm64.
    lambda_dollars_a_million: f64,
}

impl Prices {
    /// The file that was compiled in.
    ///
    /// # Errors
    /// It is not as it should be, which a test would have found.
    pub(super) fn read() -> Result<Prices, serde_json::Error> {
        serde_json::from_str(include_str!("prices.json"))
    }

    /// A million of them, in a function of this much memory.
    pub(super) fn million(&self, work: &Work, megabytes: u64) -> Million {
        let Prices { dollars, assumptions, .. } = self;
        let billed_ms = self.ms(work, megabytes).ceil();
        // A million calls of a millisecond are a thousand seconds.
        let gb_seconds = gigabytes(megabytes) * billed_ms * 1000.0;
        let by_lambda = match work.platform_log {
            PlatformLog::Reports => assumptions.platform_log_bytes_per_call,
            PlatformLog::BriefLine => assumptions.platform_log_bytes_per_brief_line,
            PlatformLog::Nothing => 0.0,
        };
        let logs = (work.log_bytes + by_lambda) * 1e6 / 1e9 * dollars.logs_gb;
        let reads = work.calls.read_units * dollars.dynamodb_million_read_units;
        let writes = work.calls.write_units * dollars.dynamodb_million_write_units;
        let arm64 = gb_seconds * dollars.lambda_gb_second_arm64;
        let requests = dollars.lambda_million_requests;
        Million {
            how: COMPUTED,
            memory_megabytes: megabytes,
            billed_ms,
            lambda_requests: requests,
            lambda_compute_arm64: cents(arm64),
            lambda_compute_x86: cents(gb_seconds * dollars.lambda_gb_second_x86),
            dynamodb_reads: cents(reads),
            dynamodb_writes: cents(writes),
            logs: cents(logs),
            total: cents(requests + arm64 + reads + writes + logs),
            api_gateway_rest_apart: dollars.api_gateway_rest_million,
            api_gateway_http_apart: dollars.api_gateway_http_million,
        }
    }

    /// What an operation would take and cost at other sizes.
    pub(super) fn sizes(&self, work: &Work) -> Vec<Size> {
        [128, 256, 512, 1024, 1769, 3008]
            .into_iter()
            .map(|megabytes| {
                let million = self.million(work, megabytes);
                let ms = cents(self.ms(work, megabytes));
                let lambda = million.lambda_requests + million.lambda_compute_arm64;
                Size { megabytes, ms, lambda_dollars_a_million: cents(lambda) }
            })
            .collect()
    }

    /// How long it takes there: its CPU time at the share of a CPU that this much memory has, and its round trips.
    fn ms(&self, work: &Work, megabytes: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand megabytes")]
        let share = (megabytes as f64 / self.assumptions.vcpu_megabytes).min(1.0);
        work.cpu_ms / share + f64::from(work.calls.rounds) * self.assumptions.dynamodb_round_trip_ms
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand megabytes")]
fn gigabytes(megabytes: u64) -> f64 {
    megabytes as f64 / 1024.0
}

/// To a hundredth of a cent.
pub(super) fn cents(dollars: f64) -> f64 {
    (dollars * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(cpu_ms: f64, rounds: u32) -> Work {
        let calls = Calls { read_units: 3.0, write_units: 2.0, rounds, ..Calls::default() };
        Work { cpu_ms, log_bytes: 550.0, platform_log: PlatformLog::Reports, calls }
    }

    #[test]
    fn a_million_is_reckoned_from_the_file() {
        let mut prices = Prices::read().unwrap();
        prices.assumptions.dynamodb_round_trip_ms = 5.0;
        prices.assumptions.platform_log_bytes_per_call = 450.0;
        prices.dollars = Dollars {
            lambda_million_requests: 0.2,
            lambda_gb_second_arm64: 0.00001,
            lambda_gb_second_x86: 0.00002,
            dynamodb_million_read_units: 0.125,
            dynamodb_million_write_units: 0.625,
            logs_gb: 0.5,
            ..prices.dollars
        };
        // 2 ms of CPU at half a CPU are 4, and a round trip of 5.
        let million = prices.million(&work(2.0, 1), 884);
        assert_eq!(million.billed_ms, 10.0);
        let at_one_gb = prices.million(&work(0.5, 1), 1024);
        assert_eq!(at_one_gb.billed_ms, 6.0);
        assert_eq!((at_one_gb.lambda_compute_arm64, at_one_gb.lambda_compute_x86), (0.06, 0.12));
        assert_eq!((at_one_gb.dynamodb_reads, at_one_gb.dynamodb_writes), (0.375, 1.25));
        assert_eq!(at_one_gb.logs, 0.5);
        assert_eq!(at_one_gb.total, cents(0.2 + 0.06 + 0.375 + 1.25 + 0.5));
        prices.assumptions.platform_log_bytes_per_brief_line = 50.0;
        let logs = |platform_log| prices.million(&Work { platform_log, ..work(0.5, 1) }, 1024).logs;
        assert_eq!((logs(PlatformLog::BriefLine), logs(PlatformLog::Nothing)), (0.3, 0.275));
    }

    #[test]
    fn beyond_one_cpu_more_memory_is_not_faster() {
        let prices = Prices::read().unwrap();
        let ms: Vec<f64> = prices.sizes(&work(267.0, 3)).iter().map(|size| size.ms).collect();
        assert!(ms.is_sorted_by(|slower, faster| slower >= faster));
        assert_eq!(ms[4], ms[5]);
    }

    #[test]
    fn the_file_says_where_its_prices_are_from_and_of_when() {
        let prices = Prices::read().unwrap();
        assert!(!prices.source.is_empty() && !prices.region.is_empty());
        assert!(prices.as_of.starts_with("20"));
    }
}
