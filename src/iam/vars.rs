//! The variables of a binding, `$(namespace)` and its kin, and how a text is expanded with them.
//!
//! The syntax is that of Kubernetes' own `$(VAR)`. IAM's policy variables, `${aws:username}`, begin otherwise and pass
//! untouched; a variable may stand inside of one: `${aws:PrincipalTag/$(name)}`. What is put in is not expanded again.
//! A policy that needs the characters `$(` themselves writes them as IAM wants a literal dollar anyway: `${$}(`.

use super::json_path::{excerpt, item, member};
use serde_json::{Map, Value};
use std::fmt;

/// What the variables stand for in one binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vars {
    /// `$(namespace)`: of the binding and its ServiceAccount.
    pub namespace: String,
    /// `$(name)`: of the binding.
    pub name: String,
    /// `$(serviceAccount)`: its name.
    pub service_account: String,
    /// `$(clusterId)`: what `--cluster-id` says.
    pub cluster_id: String,
    /// `$(account)`: the twelve digits of the account that the role lives in.
    pub account: String,
    /// `$(partition)`: `aws`, `aws-cn`, …
    pub partition: String,
    /// `$(region)`: of the cluster.
    pub region: String,
}

/// One of the variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Namespace,
    Name,
    ServiceAccount,
    ClusterId,
    Account,
    Partition,
    Region,
}

impl Variable {
    const ALL: [Self; 7] = [
        Self::Namespace,
        Self::Name,
        Self::ServiceAccount,
        Self::ClusterId,
        Self::Account,
        Self::Partition,
        Self::Region,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Name => "name",
            Self::ServiceAccount => "serviceAccount",
            Self::ClusterId => "clusterId",
            Self::Account => "account",
            Self::Partition => "partition",
            Self::Region => "region",
        }
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$({})", self.name())
    }
}

/// A text names a variable that does not exist, or opens one with `$(` and does not close it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", explain(variable))]
pub struct UnknownVariable {
    /// What the text says, cut where it is long: `$(nmae)`, or without the `)` where there is none.
    pub variable: String,
}

fn explain(variable: &str) -> String {
    let known: Vec<String> = Variable::ALL.iter().map(ToString::to_string).collect();
    let wrong = if variable.ends_with(')') { "is no variable" } else { "lacks its closing \")\"" };
    format!("{variable} {wrong}; the variables are {}", known.join(", "))
}

/// Why a JSON document can't be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ExpandError {
    /// The JSON path of the string or key at fault, as `Statement[0].Resource`.
    pub path: String,
    /// An [`UnknownVariable`] in words; or that two keys of an object become the same, so that one would replace the
    /// other.
    pub message: String,
}

/// A stretch of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Variable(Variable),
}

/// Takes `text` apart at its variables. Texts are never empty.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, UnknownVariable> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("$(") {
        let (before, reference) = rest.split_at(start);
        if !before.is_empty() {
            found.push(Piece::Text(before));
        }
        let unknown = |variable: &str| UnknownVariable { variable: excerpt(variable) };
        let (name, after) = reference[2..].split_once(')').ok_or_else(|| unknown(reference))?;
        let variable = Variable::ALL.into_iter().find(|known| known.name() == name);
        found.push(Piece::Variable(
            variable.ok_or_else(|| UnknownVariable { variable: format!("$({})", excerpt(name)) })?,
        ));
        rest = after;
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    Ok(found)
}

impl Vars {
    pub(crate) fn get(&self, variable: Variable) -> &str {
        match variable {
            Variable::Namespace => &self.namespace,
            Variable::Name => &self.name,
            Variable::ServiceAccount => &self.service_account,
            Variable::ClusterId => &self.cluster_id,
            Variable::Account => &self.account,
            Variable::Partition => &self.partition,
            Variable::Region => &self.region,
        }
    }

    /// `text` with every variable replaced, once.
    ///
    /// # Errors
    /// Where a variable is unknown or `$(` is not closed: a text that was meant to vary must not go out as it stands.
    pub fn expand(&self, text: &str) -> Result<String, UnknownVariable> {
        let expanded = pieces(text)?.into_iter().map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Variable(variable) => self.get(variable),
        });
        Ok(expanded.collect())
    }

    /// `value` with every variable replaced in all its strings and keys.
    ///
    /// # Errors
    /// The first string or key at fault.
    pub fn expand_value(&self, value: &Value) -> Result<Value, ExpandError> {
        self.expand_at("", value)
    }

    fn expand_at(&self, path: &str, value: &Value) -> Result<Value, ExpandError> {
        let fault = |path: &str, message| ExpandError { path: path.to_owned(), message };
        match value {
            Value::String(text) => {
                self.expand(text).map(Value::String).map_err(|unknown| fault(path, unknown.to_string()))
            }
            Value::Array(items) => {
                items.iter().enumerate().map(|(i, value)| self.expand_at(&item(path, i), value)).collect()
            }
            Value::Object(members) => {
                let mut expanded = Map::new();
                for (key, value) in members {
                    let path = member(path, key);
                    let key = self.expand(key).map_err(|unknown| fault(&path, unknown.to_string()))?;
                    let value = self.expand_at(&path, value)?;
                    if expanded.contains_key(&key) {
                        return Err(fault(&path, format!("{key:?} stands here twice once variables are expanded")));
                    }
                    expanded.insert(key, value);
                }
                Ok(Value::Object(expanded))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn vars() -> Vars {
        Vars {
            namespace: "billing".into(),
            name: "invoices".into(),
            service_account: "robot".into(),
            cluster_id: "prod".into(),
            account: "111122223333".into(),
            partition: "aws".into(),
            region: "eu-west-1".into(),
        }
    }

    #[test]
    fn texts() {
        let cases = [
            ("", ""),
            ("plain", "plain"),
            ("$(namespace)$(name)", "billinginvoices"),
            (
                "arn:$(partition):sqs:$(region):$(account):$(clusterId)-$(serviceAccount)",
                "arn:aws:sqs:eu-west-1:111122223333:prod-robot",
            ),
            ("${aws:username}/$", "${aws:username}/$"),
            ("${aws:PrincipalTag/$(name)}", "${aws:PrincipalTag/invoices}"),
            ("$$(name) ${$}(name)", "$invoices ${$}(name)"),
            ("é$(name)é", "éinvoicesé"),
        ];
        for (text, expected) in cases {
            assert_eq!(vars().expand(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn unknown_variables_are_named_with_the_known_ones() {
        let error = vars().expand("a/$(nmae)/b").unwrap_err();
        assert_eq!(
            error.to_string(),
            "$(nmae) is no variable; the variables are $(namespace), $(name), $(serviceAccount), $(clusterId), \
             $(account), $(partition), $(region)"
        );
        assert_eq!(vars().expand("x$()").unwrap_err().variable, "$()");
        assert_eq!(vars().expand("$(Name)").unwrap_err().variable, "$(Name)");
        assert_eq!(vars().expand("$( name )").unwrap_err().variable, "$( name )");
        let open = vars().expand("x$(name/*").unwrap_err();
        assert_eq!(open.variable, "$(name/*");
        assert!(open.to_string().starts_with("$(name/* lacks its closing \")\""), "{open}");
    }

    #[test]
    fn what_is_put_in_is_not_expanded_again() {
        let vars = Vars { name: "$(account)".into(), ..vars() };
        assert_eq!(vars.expand("$(name)").as_deref(), Ok("$(account)"));
    }

    #[test]
    fn documents_are_expanded_in_strings_and_keys() {
        let value = json!({"S": [{"C": {"aws:RequestTag/$(name)": ["$(namespace)", 5, true, null]}}]});
        let expected = json!({"S": [{"C": {"aws:RequestTag/invoices": ["billing", 5, true, null]}}]});
        assert_eq!(vars().expand_value(&value), Ok(expected));
    }

    #[test]
    fn what_is_wrong_in_a_document_has_a_path() {
        let path = |value: Value| vars().expand_value(&value).map_err(|error| error.path).unwrap_err();
        assert_eq!(path(json!({"Statement": [{}, {"Resource": ["ok", "$(x)"]}]})), "Statement[1].Resource[1]");
        assert_eq!(path(json!({"a": {"b$(x)": 1}})), "a[\"b$(x)\"]");
        assert_eq!(path(json!("$(x)")), "");
    }

    #[test]
    fn keys_that_become_the_same_are_refused() {
        let error = vars().expand_value(&json!({"C": {"invoices": 1, "$(name)": 2}})).unwrap_err();
        assert_eq!(error.to_string(), "C.invoices: \"invoices\" stands here twice once variables are expanded");
    }
}
