//! `irsa-operator run`: the operator itself.

use crate::admin::{self, Health};
use crate::aws::Accounts;
use crate::budget::Limits;
use crate::controller::{self, Ctx, Events, LEASES, Leadership, Settings};
use crate::metrics::Metrics;
use crate::telemetry::{self, Format};
use k8s_openapi::jiff::SignedDuration;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

/// Run the operator
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names this cluster in AWS: lower-case letters, digits and dashes, up to 24, unique in the account and the same
    /// after the cluster was rebuilt
    #[arg(long, env = "IRSA_CLUSTER_ID", value_name = "ID", value_parser = super::cluster_id)]
    cluster_id: String,

    /// The issuer of the cluster's ServiceAccount tokens, with https://. Found by itself where the API server tells it
    #[arg(long, env = "IRSA_ISSUER", value_name = "URL")]
    issuer: Option<String>,

    /// Ask EKS for the issuer of this cluster
    #[arg(long, env = "IRSA_EKS_CLUSTER", value_name = "NAME")]
    eks_cluster: Option<String>,

    /// The external id that is sent when a role in another account is assumed (spec.account of a class)
    #[arg(long, env = "IRSA_EXTERNAL_ID", value_name = "ID")]
    external_id: Option<String>,

    /// How often all roles are looked at, as 30s, 2m or 1h: after so long a change outside is put right
    #[arg(long, env = "IRSA_RESYNC", value_name = "DURATION", default_value = "2m", value_parser = duration)]
    resync: Duration,

    /// For how long after a change of ours AWS may still show what was before: no difference is acted on in this time
    #[arg(long, env = "IRSA_SETTLE", value_name = "DURATION", default_value = "90s", value_parser = duration)]
    settle: Duration,

    /// Where the same was put right three times in so long, another tool fights for the role: it is named, and the role
    /// put right once in so long until it stops (docs/drift.md)
    #[arg(long, env = "IRSA_CONTESTED_WINDOW", value_name = "DURATION", default_value = "1h", value_parser = duration)]
    contested_window: Duration,

    /// The percentage of an account's quota of roles that new bindings leave free, for repairs and for others
    #[arg(long, env = "IRSA_ROLE_RESERVE", value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=99))]
    role_reserve: u8,

    /// Whether deletions begin after 10 s only, and those of more roles at once than the larger of 20 and a tenth of a
    /// class's bindings not before somebody allows it (docs/deletion.md)
    #[arg(long, env = "IRSA_FUSE", value_name = "on|off", default_value = "on", value_parser = switch, action = clap::ArgAction::Set)]
    fuse: bool,

    /// How many bindings and classes are worked on at a time
    #[arg(long, env = "IRSA_CONCURRENCY", value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,

    /// As many requests a second are sent to IAM in an account at least, however many it refuses
    #[arg(long, env = "IRSA_AWS_MIN_RATE", value_name = "RATE", default_value = "1", value_parser = rate)]
    aws_min_rate: f64,

    /// As many at most. In between it is found out how many the account takes
    #[arg(long, env = "IRSA_AWS_MAX_RATE", value_name = "RATE", default_value = "20", value_parser = rate)]
    aws_max_rate: f64,
    /// Work only while this replica holds the Lease irsa-operator, so that there may be more than one
    #[arg(long, env = "IRSA_LEADER_ELECT", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set,
        num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    leader_elect: bool,

    /// Where that Lease is. By default the operator's own namespace: $POD_NAMESPACE, or that of its kubeconfig or Pod
    #[arg(long, env = "IRSA_LEADER_ELECT_NAMESPACE", value_name = "NAMESPACE")]
    leader_elect_namespace: Option<String>,

    /// Where /livez, /readyz and /metrics are served
    #[arg(long, env = "IRSA_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,

    /// How log lines look
    #[arg(long, env = "IRSA_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    log_format: Format,

    /// What is logged, as `info` or `info,irsa_operator=debug`
    #[arg(long, env = "IRSA_LOG_LEVEL", value_name = "FILTER", default_value = "info")]
    log_level: String,
}

/// Carries out the command.
pub fn execute(args: &Args) -> ExitCode {
    if let Err(error) = telemetry::start(args.log_format, &args.log_level) {
        eprintln!("irsa-operator run: {error}");
        return ExitCode::from(2);
    }
    // One thread: it waits for networks, its work is a fraction of a core, and each thread more would have a heap of
    // its own (docs/performance.md).
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(|e| e.to_string()).and_then(|runtime| {
        let result = runtime.block_on(serve(args));
        // A name that is still looked up must not keep alive who has lost the right to work.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: &Args) -> Result<(), String> {
    let limits = Limits { min: args.aws_min_rate, max: args.aws_max_rate };
    if limits.min > limits.max {
        return Err(format!("--aws-min-rate {} is more than --aws-max-rate {}", limits.min, limits.max));
    }
    let mut config = kube::Config::infer().await.map_err(|e| format!("no configuration for the API server: {e}"))?;
    // Patience is the queue's: kube's own would hold a worker for minutes.
    config.default_retry = false;
    let listener =
        tokio::net::TcpListener::bind(args.listen).await.map_err(|e| format!("--listen {}: {e}", args.listen))?;
    let kinds = ["irsabindings", "irsaclasses", "serviceaccounts", "namespaces"].into_iter();
    let kinds: Vec<String> = kinds.chain(args.leader_elect.then_some(LEASES)).map(str::to_owned).collect();
    let health = Arc::new(Health::waiting_for(&kinds));
    let unusable = |e: kube::Error| format!("the API server can't be talked to: {e}");
    let own = std::env::var("POD_NAMESPACE").ok().filter(|name| !name.is_empty());
    let own = own.unwrap_or_else(|| config.default_namespace.clone());
    let leadership = if args.leader_elect {
        let elected = args.leader_elect_namespace.clone().filter(|name| !name.is_empty());
        let namespace = elected.unwrap_or_else(|| own.clone());
        let client = kube::Client::try_from(config.clone()).map_err(unusable)?;
        Leadership::stand(client, &namespace, health.clone())
    } else {
        Leadership::unopposed()
    };
    let client = controller::fenced(config, leadership.fence()).map_err(unusable)?;
    let (events, written) = Events::start(client.clone());
    let settings = Settings {
        cluster_id: args.cluster_id.clone(),
        issuer: args.issuer.clone(),
        eks_cluster: args.eks_cluster.clone(),
        resync: args.resync,
        settle: args.settle,
        contested_window: args.contested_window,
        role_reserve: args.role_reserve,
        fuse: args.fuse,
        namespace: own,
        concurrency: usize::from(args.concurrency),
    };
    // Port 0 takes a free one: then this line is where to find it.
    let listen = listener.local_addr().unwrap_or(args.listen);
    info!(version = env!("CARGO_PKG_VERSION"), cluster_id = args.cluster_id, %listen, "irsa-operator starts");
    let metrics = Arc::new(Metrics::new());
    metrics.leads(!args.leader_elect);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let external_id = args.external_id.clone();
    let fence = leadership.fence();
    let accounts =
        Accounts::from_env(&args.cluster_id, external_id, limits, stopped.clone(), fence, metrics.clone()).await;
    let ctx = Arc::new(Ctx::new(settings, client, accounts, events, health.clone(), leadership.clone(), metrics));
    // Not held: Events are written until the last who may send one is gone.
    let scraped = Arc::downgrade(&ctx);
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        let _ = stop.send(true);
    });
    let life = async {
        let ended = controller::run(ctx, stopped).await;
        // What was handed in is still written, if the API server takes it.
        let _ = tokio::time::timeout(Duration::from_secs(5), written).await;
        if ended {
            leadership.release().await;
        }
    };
    tokio::select! {
        biased;
        why = leadership.lost() => Err(format!("this replica leads no longer, and ends: {why}")),
        () = life => Ok(()),
        served = admin::serve(listener, health, move || scraped.upgrade().map(|ctx| ctx.metrics_text()).unwrap_or_default()) => Err(format!("--listen {}: {served:?}", args.listen)),
    }
}

/// `90s`, `10m`, `2h`, `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "write a number and a unit, as 30s, 10m or 2h".to_owned())
}

/// On or off.
fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("write on or off".to_owned()),
    }
}

/// Requests a second.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.1..=10_000.0).contains(rate));
    rate.ok_or_else(|| "write a number of requests a second, from 0.1 to 10000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::cluster_id;
    use super::*;

    #[test]
    fn rates() {
        assert_eq!((rate("20"), rate("0.5")), (Ok(20.0), Ok(0.5)));
        for wrong in ["0", "-1", "x", "NaN", "inf", "0.01"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_and_cluster_ids() {
        assert_eq!(duration("3s"), Ok(Duration::from_secs(3)));
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert!(duration("10").is_err() && duration("m").is_err() && duration("-1s").is_err());
        assert!(cluster_id("prod-eu-1").is_ok());
        assert!(cluster_id("").is_err() && cluster_id("Prod").is_err() && cluster_id(&"a".repeat(25)).is_err());
    }
}
