//! The forms that secrets have.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::Regex;

use super::card;
use super::compile;
use super::redactions::mark_of;

/// Nothing that is shorter holds a secret of a form that is known here.
const SHORTEST: usize = 8;

/// A secret of a known form.
struct Form {
    rule: &'static str,
    /// What comes before it and stays.
    before: &'static str,
    secret: &'static str,
    /// What comes after it and stays.
    after: &'static str,
    /// What an expression can't say.
    check: fn(&str) -> bool,
}

/// Names that in text are followed by a secret; of tokens only those that open something.
macro_rules! secret_name {
    () => {
        "passw(?:or)?d|passphrase|secret|(?:api|access|secret|private|account)[_-]?key|\
         (?:access|auth|refresh|bot|api)[_-]?token"
    };
}

/// The beginning of a word; in text that was quoted twice, also the letter of an escaped line feed or tab.
const WORD: &str = r"(?:(?-u:\b)|\\[nrt])";

/// `DB_PASSWORD=`, as environments and connection strings have it.
const SECRET_NAME_IS: &str = concat!("(?i-u:", secret_name!(), ")=");

/// `'api_key': '`, as Python prints it, and as JSON does that was cut off or quoted twice.
const SECRET_NAME_IS_QUOTED: &str = concat!("(?i-u:", secret_name!(), r#")\\*["']?[ \t]*[:=][ \t]*\\*["']"#);

/// From the more to the less particular.
const FORMS: &[Form] = &[
    Form::word("watchglass_key", "wg_[0-9a-f]{16}_[0-9a-f]{32,}", any),
    Form::word("anthropic_key", "sk-ant-[A-Za-z0-9_-]{16,}", has_digit),
    Form::word(
        "provider_key",
        "sk-lf-[0-9a-f-]{36}|gsk_[A-Za-z0-9]{40,}|hf_[A-Za-z0-9]{30,}|xai-[A-Za-z0-9]{40,}|pplx-[A-Za-z0-9]{40,}|\
         lsv2_[a-z]{2}_[0-9a-f]{32}_[0-9a-f]{10}",
        any,
    ),
    Form::word("openai_key", "sk-[A-Za-z0-9_-]{20,}", is_random),
    Form::word("github_token", "(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{20,}", has_long_run),
    Form::word("gitlab_token", "glpat-[A-Za-z0-9_-]{20,}", any),
    Form::word("aws_key", r"(?:AKIA|ASIA)[A-Z0-9]{16}(?-u:\b)", any),
    Form::word("google_key", r"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}", any),
    Form::word("slack_token", "xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}", has_digit),
    Form::word("stripe_key", "[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,}", any),
    Form::word("jwt", r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){1,3}", any),
    Form {
        rule: "slack_webhook",
        before: r"hooks\.slack\.com/(?:services|workflows|triggers)/",
        secret: "[A-Za-z0-9_/-]{20,}",
        after: "",
        check: any,
    },
    Form {
        rule: "bearer",
        before: r"(?-u:\b)(?i-u:bearer)[ \t]+",
        secret: "[A-Za-z0-9._~+/=-]{16,}",
        after: "",
        check: has_digit,
    },
    Form {
        rule: "basic_auth",
        before: r"(?-u:\b)(?i-u:basic)[ \t]+",
        secret: "[A-Za-z0-9+/]{8,}={0,2}",
        after: "",
        check: is_name_and_password,
    },
    Form {
        rule: "url_credentials",
        before: "://",
        // To the last `@` before the host: a password may hold some.
        secret: r#"[^ \t\r\n/:@?#\[\]"'<>`{}\\]*:[^ \t\r\n/@\[\]"'<>`\\]+(?:@[^ \t\r\n/@?#&=,;\[\]"'<>`\\]+)*"#,
        after: "@",
        check: is_no_template,
    },
    Form {
        rule: "url_query",
        before: "[?&](?i-u:(?:access_|auth_|id_|refresh_|x-amz-security-)?token|api_?key|(?:client_)?secret|passw(?:or)?d|\
                 sig|(?:x-amz-|x-goog-)?signature)=",
        secret: "[A-Za-z0-9._~%+/=-]{6,}",
        after: "",
        check: any,
    },
    Form {
        rule: "assignment",
        before: SECRET_NAME_IS,
        secret: "[A-Za-z0-9_!@#%^*+/~-]{6,}",
        after: r#"(?:[ \t\r\n"',;&)}\]|]|\z)"#,
        check: has_letter_and_digit,
    },
    Form {
        rule: "quoted_assignment",
        before: SECRET_NAME_IS_QUOTED,
        secret: "[A-Za-z0-9_!@#%^*+/~.:=&-]{6,}",
        after: r#"\\*["']"#,
        check: has_letter_and_digit,
    },
    // The body is base64, with headers where it is encrypted; line feeds may be escaped. A quote ends it, so that
    // code that only names the first line stays.
    Form {
        rule: "private_key",
        before: "",
        secret: r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\s\\:,.()@<>]|-[A-Za-z0-9]){16,}(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?",
        after: "",
        check: any,
    },
];

impl Form {
    const fn word(rule: &'static str, secret: &'static str, check: fn(&str) -> bool) -> Self {
        Self { rule, before: WORD, secret, after: "", check }
    }
}

/// What every form has one of, in any case. A text without any needs no expression, which a process that makes one call
/// would compile for longer than the call takes.
const ANCHORS: &[&str] = &[
    "wg_",
    "sk-",
    "gsk_",
    "hf_",
    "xai-",
    "pplx-",
    "lsv2_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "akia",
    "asia",
    "aiza",
    "ya29.",
    "xox",
    "xapp-",
    "sk_",
    "rk_",
    "whsec_",
    "eyj",
    "hooks.slack.com/",
    "bearer",
    "basic",
    "://",
    "token",
    "key",
    "secret",
    "passw",
    "passphrase",
    "sig",
    "-----begin",
];

/// Without it, which can't be, the expression is asked about every text.
static ANCHOR: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(ANCHORS).ok());

static ANY: LazyLock<Regex> = LazyLock::new(|| {
    let form =
        |Form { rule, before, secret, after, .. }: &Form| format!("{before}(?P<{rule}>{secret}){after}");
    let forms: Vec<String> = FORMS.iter().map(form).collect();
    compile(&forms.join("|"))
});

/// `text` with each secret in it replaced; `None` where it holds none. `found` is told of every rule that applied.
pub(super) fn replace(text: &str, mut found: impl FnMut(&'static str)) -> Option<String> {
    if text.len() < SHORTEST {
        return None;
    }
    let replaced = replace_forms(text, &mut found);
    card::replace(replaced.as_deref().unwrap_or(text), found).or(replaced)
}

/// The rule under which the first secret in `text` falls, card numbers left out.
pub(super) fn find(text: &str) -> Option<&'static str> {
    let mut first = None;
    if text.len() >= SHORTEST {
        replace_forms(text, &mut |rule| first = first.or(Some(rule)));
    }
    first
}

fn replace_forms(text: &str, found: &mut impl FnMut(&'static str)) -> Option<String> {
    let may_hold = ANCHOR.as_ref().is_none_or(|anchor| anchor.is_match(text));
    if !may_hold || !ANY.is_match(text) {
        return None;
    }
    let mut replaced = String::with_capacity(text.len());
    let (mut copied, mut from) = (0, 0);
    while let Some(captures) = ANY.captures_at(text, from) {
        let captured = FORMS.iter().find_map(|form| Some((form, captures.name(form.rule)?)));
        let (Some((form, secret)), Some(whole)) = (captured, captures.get(0)) else { break };
        if (form.check)(secret.as_str()) {
            found(form.rule);
            replaced.push_str(text.get(copied..secret.start()).unwrap_or_default());
            replaced.push_str(&mark_of(form.rule));
            (copied, from) = (secret.end(), secret.end());
        } else {
            // What only stands where a secret would may hold another. Where nothing leads up to it, it is passed
            // over, lest a long one be read again from each of its letters.
            from = if secret.start() > whole.start() { secret.start() } else { whole.end() };
        }
    }
    if copied == 0 {
        return None;
    }
    replaced.push_str(text.get(copied..).unwrap_or_default());
    Some(replaced)
}

fn any(_: &str) -> bool {
    true
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn has_letter_and_digit(text: &str) -> bool {
    has_digit(text) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Letters and digits without anything between them, as words joined by dashes never have so many of.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric()).filter(|run| run.len() >= 16)
}

fn has_long_run(text: &str) -> bool {
    runs(text).next().is_some()
}

fn is_random(text: &str) -> bool {
    runs(text).any(has_digit)
}

/// Base64 of `name:password`, which no word after "basic" is.
fn is_name_and_password(text: &str) -> bool {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decoded = GeneralPurpose::new(&STANDARD, config).decode(text);
    decoded.is_ok_and(|text| text.contains(&b':') && text.iter().all(|byte| (b' '..=b'~').contains(byte)))
}

/// Whether a password stands where code and documents have a place for one.
fn is_no_template(credentials: &str) -> bool {
    let password = credentials.split_once(':').map_or("", |(_, password)| password);
    !password.starts_with(['$', '{', '*']) && !password.starts_with("%(")
}
