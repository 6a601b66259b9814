//! ARN conditions: six parts, each matched by itself, so that `*` never crosses a colon but in the last.
//! Source: IAM user guide, "Amazon Resource Name (ARN) condition operators": each of the six colon-delimited
//! components is checked separately and each can hold `*` or `?`; ArnEquals and ArnLike behave the same.

pub fn matches(pattern: &str, value: &str) -> bool {
    let parts = |text: &str| text.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
    let (pattern, value) = (parts(pattern), parts(value));
    pattern.len() == 6 && value.len() == 6 && pattern.iter().zip(&value).all(|(pattern, value)| glob(pattern, value))
}

/// `*` for any run, `?` for one character.
fn glob(pattern: &str, value: &str) -> bool {
    let (p, v): (Vec<char>, Vec<char>) = (pattern.chars().collect(), value.chars().collect());
    let (mut i, mut j, mut star) = (0, 0, None);
    while j < v.len() {
        if i < p.len() && (p[i] == '?' || (p[i] == v[j] && p[i] != '*')) {
            i += 1;
            j += 1;
        } else if i < p.len() && p[i] == '*' {
            star = Some((i, j));
            i += 1;
        } else if let Some((at, from)) = star {
            i = at + 1;
            j = from + 1;
            star = Some((at, j));
        } else {
            return false;
        }
    }
    p[i..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stay_within_their_part() {
        for (pattern, value, fits) in [
            ("arn:aws:iam::*:policy/team/*", "arn:aws:iam::1:policy/team/a/b", true),
            ("arn:aws:iam:*:policy/x", "arn:aws:iam::1:policy/x", false),
            ("arn:*:policy/x", "arn:aws:iam::1:policy/x", false),
            ("*", "arn:aws:iam::1:policy/x", false),
            ("arn:aws:iam::aws:policy/Amazon?QS*", "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess", true),
            ("arn:aws:iam::1:policy/x", "arn:aws:iam::1:policy/X", false),
        ] {
            assert_eq!(matches(pattern, value), fits, "{pattern} {value}");
        }
    }
}
