//! Reads the text format of OpenMetrics 1.0, and takes nothing that the specification does not allow.

use std::collections::{BTreeMap, BTreeSet};

/// All metrics of one scrape.
#[derive(Debug)]
pub struct Scrape {
    /// In the order in which they came.
    pub families: Vec<Family>,
}

/// A metric.
#[derive(Debug, Default)]
pub struct Family {
    pub name: String,
    pub kind: String,
    pub help: String,
    pub unit: String,
    pub samples: Vec<Sample>,
}

/// One line.
#[derive(Debug, Clone)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Sample {
    /// Whether it has these labels, and maybe others.
    pub fn has(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(name, value)| self.labels.get(*name).is_some_and(|has| has == value))
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map(String::as_str).unwrap_or_default()
    }
}

impl Scrape {
    /// Reads it, or says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let body = text.strip_suffix("# EOF\n").ok_or("does not end with # EOF")?;
        if !body.is_empty() && !body.ends_with('\n') {
            return Err("# EOF does not begin a line".into());
        }
        let mut families: Vec<Family> = Vec::new();
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# ") {
                metadata(&mut families, rest).map_err(|why| format!("{line}: {why}"))?;
            } else {
                let sample = sample(line).map_err(|why| format!("{line}: {why}"))?;
                let family = families.last_mut().ok_or_else(|| format!("{line}: of no metric"))?;
                family.samples.push(sample);
            }
        }
        let mut names = BTreeSet::new();
        for family in &families {
            check(family).map_err(|why| format!("{}: {why}", family.name))?;
            if !names.insert(&family.name) {
                return Err(format!("{} comes twice", family.name));
            }
        }
        Ok(Self { families })
    }

    /// All lines of this name that have these labels.
    pub fn samples(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Sample> {
        let all = self.families.iter().flat_map(|family| &family.samples);
        all.filter(|sample| sample.name == name && sample.has(labels)).collect()
    }

    /// Their sum; 0 where there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples(name, labels).iter().map(|sample| sample.value).sum()
    }
}

fn metadata(families: &mut Vec<Family>, line: &str) -> Result<(), String> {
    let mut words = line.splitn(3, ' ');
    let (what, name, value) = (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or(""));
    if !is_name(name, true) {
        return Err("no name of a metric".into());
    }
    if families.last().is_none_or(|last| last.name != name) {
        families.push(Family { name: name.to_owned(), ..Family::default() });
    }
    let Some(family) = families.last_mut() else { return Err("no metric".into()) };
    if !family.samples.is_empty() {
        return Err("after the first sample".into());
    }
    let field = match what {
        "TYPE" => &mut family.kind,
        "HELP" => &mut family.help,
        "UNIT" => &mut family.unit,
        _ => return Err("a comment".into()),
    };
    if value.is_empty() || !field.is_empty() {
        return Err("empty, or said twice".into());
    }
    value.clone_into(field);
    Ok(())
}

fn sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = line.split_at(end);
    if !is_name(name, true) {
        return Err("no name".into());
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = match rest.strip_prefix(' ').ok_or("no space before the value")? {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        value if value.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            value.parse().map_err(|_| "no number (time stamps and exemplars are not ours)")?
        }
        _ => return Err("no number".into()),
    };
    Ok(Sample { name: name.to_owned(), labels, value })
}

/// What stands after the first bracket: labels, and what comes after them.
fn labels(mut rest: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut labels = BTreeMap::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels, after));
        }
        if !labels.is_empty() {
            rest = rest.strip_prefix(',').ok_or("no comma between labels")?;
        }
        let (name, after) = rest.split_once("=\"").ok_or("a label without a value")?;
        if !is_name(name, false) {
            return Err(format!("{name} is no name of a label"));
        }
        let (mut value, mut chars) = (String::new(), after.char_indices());
        rest = loop {
            match chars.next() {
                Some((at, '"')) => break &after[at + 1..],
                Some((_, '\\')) => value.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, quoted @ ('"' | '\\'))) => quoted,
                    _ => return Err("a stray backslash".into()),
                }),
                Some((_, char)) => value.push(char),
                None => return Err("a value without an end".into()),
            }
        };
        if labels.insert(name.to_owned(), value).is_some() {
            return Err(format!("{name} comes twice"));
        }
    }
}

fn is_name(text: &str, colons: bool) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || (colons && c == ':');
    text.starts_with(first) && text.chars().all(|c| first(c) || c.is_ascii_digit())
}

fn check(family: &Family) -> Result<(), String> {
    if family.help.is_empty() || !family.unit.is_empty() && !family.name.ends_with(&format!("_{}", family.unit)) {
        return Err("no help, or a name that does not end with its unit".into());
    }
    let suffixes: &[&str] = match family.kind.as_str() {
        "counter" => &["_total"],
        "gauge" => &[""],
        "info" => &["_info"],
        "histogram" => &["_bucket", "_sum", "_count"],
        other => return Err(format!("a type that we do not use: {other:?}")),
    };
    let mut seen = BTreeSet::new();
    for sample in &family.samples {
        let suffix = sample.name.strip_prefix(&family.name).unwrap_or("of another metric");
        if !suffixes.contains(&suffix) || !seen.insert((&sample.name, &sample.labels)) {
            return Err(format!("a sample too much: {sample:?}"));
        }
        let right = match family.kind.as_str() {
            "info" => sample.value == 1.0,
            "gauge" => !sample.value.is_nan(),
            _ => sample.value >= 0.0,
        };
        if !right {
            return Err(format!("impossible: {sample:?}"));
        }
    }
    if family.kind == "histogram" { check_buckets(family) } else { Ok(()) }
}

fn check_buckets(family: &Family) -> Result<(), String> {
    let counts = family.samples.iter().filter(|sample| sample.name.ends_with("_count"));
    for count in counts {
        let same = |sample: &&Sample| {
            let mut labels = sample.labels.clone();
            labels.remove("le").is_some() && labels == count.labels
        };
        let buckets: Vec<&Sample> = family.samples.iter().filter(same).collect();
        let bound = |sample: &Sample| sample.label("le").parse::<f64>().unwrap_or(f64::INFINITY);
        let grows = buckets.windows(2).all(|two| bound(two[0]) < bound(two[1]) && two[0].value <= two[1].value);
        let last = buckets.last().is_some_and(|last| last.label("le") == "+Inf" && last.value == count.value);
        if !grows || !last {
            return Err(format!("buckets that do not add up: {buckets:?}"));
        }
    }
    Ok(())
}
