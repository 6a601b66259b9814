//! Metrics with labels: what the catalogue says of them, and the samples.

use super::catalog::About;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{Atomic, ConstCounter, Counter};
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};
use std::borrow::Cow;
use std::fmt;

/// The value of a label.
pub type Value = Cow<'static, str>;
type Labels<const N: usize> = [(&'static str, Value); N];

fn labels<const N: usize>(about: &About, values: [Value; N]) -> Labels<N> {
    let mut names = about.labels.iter().copied();
    values.map(|value| (names.next().unwrap_or_default(), value))
}

fn unit(about: &About) -> Option<Unit> {
    match about.unit {
        "" => None,
        "bytes" => Some(Unit::Bytes),
        "seconds" => Some(Unit::Seconds),
        other => Some(Unit::Other(other.to_owned())),
    }
}

fn register(registry: &mut Registry, about: &About, metric: impl Metric) {
    match unit(about) {
        Some(unit) => registry.register_with_unit(about.name, about.help, unit, metric),
        None => registry.register(about.name, about.help, metric),
    }
}

/// A metric with `N` labels.
#[derive(Debug)]
pub struct Labelled<const N: usize, M, C = fn() -> M> {
    about: &'static About,
    family: Family<Labels<N>, M, C>,
}

/// Counters.
pub type Counters<const N: usize> = Labelled<N, Counter>;
/// Histograms.
pub type Histograms<const N: usize> = Labelled<N, Histogram, Bounds>;

/// The upper bounds of a histogram's buckets.
#[derive(Clone, Copy, Debug)]
pub struct Bounds(pub &'static [f64]);

impl MetricConstructor<Histogram> for Bounds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

impl<const N: usize, M, C> Labelled<N, M, C>
where
    M: EncodeMetric + prometheus_client::metrics::TypedMetric + Send + Sync + fmt::Debug + 'static,
    C: MetricConstructor<M> + Clone + Send + Sync + 'static,
{
    /// One without samples, known to `registry`.
    pub fn new(registry: &mut Registry, about: &'static About, constructor: C) -> Self {
        let family = Family::new_with_constructor(constructor);
        register(registry, about, family.clone());
        Self { about, family }
    }

    /// The sample with these labels, which is there from now on.
    pub fn with<T>(&self, values: [Value; N], then: impl FnOnce(&M) -> T) -> T {
        then(&self.family.get_or_create(&labels(self.about, values)))
    }
}

impl<const N: usize, A: Atomic<u64>> Labelled<N, Counter<u64, A>>
where
    Counter<u64, A>: EncodeMetric + Send + Sync + fmt::Debug + 'static,
{
    /// One more.
    pub fn inc(&self, values: [Value; N]) {
        self.with(values, |counter| counter.inc());
    }
}

/// Writes what is read at the moment of a scrape. A metric without a sample is left out.
pub struct Writer<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl<'a> Writer<'a> {
    pub fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self { encoder }
    }

    /// A gauge with all its samples.
    pub fn gauge<const N: usize>(
        &mut self,
        about: &About,
        samples: impl IntoIterator<Item = ([Value; N], f64)>,
    ) -> fmt::Result {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        let unit = unit(about);
        let mut metric = self.begin(about, unit.as_ref(), MetricType::Gauge)?;
        for (values, value) in samples {
            let gauge = ConstGauge::new(value);
            if N == 0 {
                gauge.encode(metric)?;
                break;
            }
            gauge.encode(metric.encode_family(&labels(about, values))?)?;
        }
        Ok(())
    }

    /// A counter without labels.
    pub fn counter(&mut self, about: &About, value: f64) -> fmt::Result {
        let unit = unit(about);
        ConstCounter::new(value).encode(self.begin(about, unit.as_ref(), MetricType::Counter)?)
    }

    fn begin<'s>(
        &'s mut self,
        about: &'s About,
        unit: Option<&'s Unit>,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        // The registry puts the full stop there by itself, this does not.
        self.encoder.encode_descriptor(about.name, &format!("{}.", about.help), unit, kind)
    }
}
