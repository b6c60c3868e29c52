//! The names that secrets and content are kept under.
//!
//! A name is compared as words, so that `apiKey`, `X-API-Key` and `service.api_key` are all `api key`, and
//! `author` is not `auth`.

use std::sync::LazyLock;

use regex::Regex;

use super::compile;
use super::redactions::without_marks;

/// Rules, each with the words that make a name one of its own. The first ones are Sentry's.
const SECRETS: &[(&str, &str)] = &[
    ("password", "passwords?|passwd|passphrases?|passcode|pgpassword|mysql pwd"),
    ("secret", "secrets?|clientsecret|secretkey"),
    ("api_key", "api keys?|apikeys?"),
    ("auth", "auth|authorization"),
    ("credentials", "credentials?|creds"),
    (
        "private_key",
        "private keys?|privatekeys?|(?:ssh|signing|encryption|master|account|access|session) keys?|accesskeys?",
    ),
    ("token", "token|(?:auth|access|refresh|csrf|xsrf)token"),
    ("bearer", "bearer"),
    ("cookie", "cookies?"),
    // Alone it is what a cookie holds; in `session_start` it is not.
    (SESSION, "session$"),
];

/// What the words of every rule have one of: a name without any needs no expression.
const ANCHORS: &[&str] =
    &["pass", "pwd", "secret", "key", "auth", "cred", "token", "bearer", "cookie", "session"];

/// What a secret is of no use to whoever knows: names that end so are not a secret's.
const DESCRIPTIONS: &str = "type|kind|counts?|length|len|size|limits?|budget|usage|used|details|names?|status|method|mode|\
     scheme|provider|policy|format|expiry|expires(?: at| in)?|expiration|ttl|enabled|required|valid|present|version|\
     file|path|dir";

/// Names of content, of which what lies below is content too.
const CONTENT_TREES: &str = "gen ai prompt|gen ai completion|gen ai (?:input|output) messages|gen ai system instructions|\
     gen ai tool call (?:arguments|result)|gen ai tool definitions|llm (?:input|output) messages|llm prompts|llm completions|\
     llm prompt template|traceloop entity (?:input|output)";

/// Names of content in full.
const CONTENT: &str = "inputs?|outputs?|(?:input |output )?messages|prompts?|completions?|arguments|results?|\
     tool (?:input|output|result|results|arguments|parameters|params|call arguments)|(?:system|user) prompt|prompt text|\
     (?:input|output) value|retrieval documents(?: \\d+ document (?:content|metadata))?|embedding(?: embeddings \\d+ embedding)? text|\
     (?:message )?(?:tool call )?function (?:call )?arguments(?: json)?";

/// The name of a prompt is not the prompt.
const NOT_CONTENT: &str = "gen ai prompt (?:name|version|id)";

/// The rule that holds for text alone: a session that is an object is the conversation, not what opens it.
pub(super) const SESSION: &str = "session";
/// The rule of the content policy.
pub(super) const CONTENT_RULE: &str = "content";

static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    let rules: Vec<String> = SECRETS.iter().map(|(rule, words)| format!("(?P<{rule}>{words})")).collect();
    compile(&format!(r"(?-u:\b)(?:{})(?-u:\b)", rules.join("|")))
});

static NO_SECRET: LazyLock<Regex> = LazyLock::new(|| {
    let words: Vec<&str> = SECRETS.iter().map(|(_, words)| *words).collect();
    let described = format!("(?:{}) (?:{DESCRIPTIONS})", words.join("|"));
    let model_tokens = "(?:eos|bos|pad|unk|stop|mask|sep) token";
    let counted = "token (?:counts?|usage|details|type)";
    compile(&format!(r"(?-u:\b)(?:(?:session id|tokens|{model_tokens}|{described})$|{counted}(?-u:\b))"))
});

static IS_CONTENT: LazyLock<Regex> =
    LazyLock::new(|| compile(&format!("^(?:(?:{CONTENT_TREES})(?: .*)?|{CONTENT})$")));

static IS_NO_CONTENT: LazyLock<Regex> = LazyLock::new(|| compile(&format!("^(?:{NOT_CONTENT})$")));

/// Tells names apart.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Whether names of content count.
    pub(super) content: bool,
    /// The words of the name at hand, in memory that is used again.
    words: String,
}

impl Names {
    pub(super) fn new(content: bool) -> Self {
        Self { content, words: String::new() }
    }

    /// The rule that what stands under `name` falls under.
    pub(super) fn rule(&mut self, name: &str) -> Option<&'static str> {
        split_into(&without_marks(name), &mut self.words);
        let words = self.words.as_str();
        if self.content && IS_CONTENT.is_match(words) && !IS_NO_CONTENT.is_match(words) {
            return Some(CONTENT_RULE);
        }
        let may_be = ANCHORS.iter().any(|anchor| words.contains(anchor));
        if !may_be || !SECRET.is_match(words) || NO_SECRET.is_match(words) {
            return None;
        }
        let found = SECRET.captures(words)?;
        SECRETS.iter().map(|(rule, _)| *rule).find(|rule| found.name(rule).is_some())
    }
}

/// The words of `name` in lower case with a space between them: split at what is neither letter nor digit,
/// where letters meet digits, and at camel case.
fn split_into(name: &str, words: &mut String) {
    words.clear();
    let mut characters = name.chars().peekable();
    let mut before = None;
    while let Some(character) = characters.next() {
        if !character.is_alphanumeric() {
            before = None;
            continue;
        }
        let next = characters.peek().copied();
        let begins = before.is_none_or(|before| is_border(before, character, next));
        if begins && !words.is_empty() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
        before = Some(character);
    }
}

/// Whether a new word begins between `before` and `character`; the last letter of `HTTPServer`'s acronym is the
/// first of its next word.
fn is_border(before: char, character: char, next: Option<char>) -> bool {
    let hump = before.is_lowercase() && character.is_uppercase();
    let end_of_acronym =
        before.is_uppercase() && character.is_uppercase() && next.is_some_and(char::is_lowercase);
    hump || end_of_acronym || before.is_alphabetic() != character.is_alphabetic()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str) -> Option<&'static str> {
        Names::new(false).rule(name)
    }

    #[test]
    fn names_become_words() {
        for (name, expected) in [
            ("apiKey", "api key"),
            ("X-API-Key", "x api key"),
            ("HTTPServer", "http server"),
            ("gen_ai.input.messages", "gen ai input messages"),
            ("password2", "password 2"),
            ("__a..b__", "a b"),
            ("größeÄndern", "größe ändern"),
            ("", ""),
            ("--", ""),
        ] {
            let mut words = String::new();
            split_into(name, &mut words);
            assert_eq!(words, expected, "{name}");
        }
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for (name, expected) in [
            ("password", "password"),
            ("DB_PASSWORD", "password"),
            ("userPassword2", "password"),
            ("mysql_pwd", "password"),
            ("passwd", "password"),
            ("client_secret", "secret"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("api_key", "api_key"),
            ("apikey", "api_key"),
            ("x-api-key", "api_key"),
            ("OPENAI_API_KEY", "api_key"),
            ("auth", "auth"),
            ("http.request.header.authorization", "auth"),
            ("credentials", "credentials"),
            ("privateKey", "private_key"),
            ("private_key", "private_key"),
            ("auth.token", "auth"),
            ("access_token", "token"),
            ("id_token", "token"),
            ("bearer", "bearer"),
            ("Set-Cookie", "cookie"),
            ("cookies", "cookie"),
            ("session", "session"),
            ("user.session", "session"),
            ("session_id_token", "token"),
        ] {
            assert_eq!(rule(name), Some(expected), "{name}");
        }
    }

    #[test]
    fn names_that_only_look_like_it_are_left_alone() {
        for name in [
            "session_id",
            "sessionId",
            "session.id",
            "session_start",
            "token_type",
            "gen_ai.token.type",
            "max_tokens",
            "input_tokens",
            "llm.token_count.prompt",
            "tokens",
            "auth_tokens",
            "token_count",
            "eos_token",
            "tokenizer",
            "author",
            "authority",
            "secretary",
            "password_length",
            "token_expires_at",
            "api_key_name",
            "auth.method",
            "private_key_path",
            "passenger",
            "cookiecutter",
            "keyboard",
            "key",
            "pwd",
            "access",
            "",
        ] {
            assert_eq!(rule(name), None, "{name}");
        }
    }

    #[test]
    fn content_has_the_names_of_three_conventions() {
        let mut names = Names::new(true);
        for name in [
            "input",
            "output",
            "messages",
            "prompt",
            "completion",
            "arguments",
            "result",
            "tool_input",
            "tool_result",
            "system_prompt",
            "toolInput",
            "gen_ai.prompt",
            "gen_ai.prompt.0.content",
            "gen_ai.completion.0.role",
            "gen_ai.input.messages",
            "gen_ai.output.messages",
            "gen_ai.system_instructions",
            "gen_ai.tool.call.arguments",
            "gen_ai.tool.call.result",
            "gen_ai.tool.definitions",
            "input.value",
            "output.value",
            "llm.input_messages.0.message.content",
            "llm.output_messages",
            "llm.prompts.0",
            "retrieval.documents.3.document.content",
            "retrieval.documents",
            "tool.parameters",
        ] {
            assert_eq!(names.rule(name), Some(CONTENT_RULE), "{name}");
        }
        for name in [
            "input_tokens",
            "output_tokens",
            "gen_ai.usage.input_tokens",
            "model",
            "error",
            "input.mime_type",
            "gen_ai.prompt.name",
            "gen_ai.response.finish_reasons",
            "retrieval.documents.3.document.score",
            "llm.token_count.prompt",
            "tool.name",
            "message",
            "prompt_tokens",
            "result_count",
        ] {
            assert_eq!(names.rule(name), None, "{name}");
        }
        assert_eq!(Names::new(false).rule("input"), None);
    }
}
