//! Texts that hold secrets, and texts that hold none.

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const LETTERS: &str = "AbC1dEf2GhI3jKl4MnO5pQr6StU7vWx8YzA9bCd0EfG1hIj2KlM3nOp4QrS5tUv6WxY7zAb8CdE9fGh0";

/// A secret of every form, with the rule that knows it. Put together here, so that no scanner takes them for real.
pub(super) fn secrets_of_every_form() -> Vec<(&'static str, String)> {
    let letters = |count: usize| LETTERS.get(..count).unwrap().to_owned();
    let hex = |count: usize| HEX.get(..count).unwrap().to_owned();
    let upper = |count: usize| letters(count).to_uppercase();
    let with = |prefix: &str, rest: String| format!("{prefix}{rest}");
    vec![
        ("watchglass_key", format!("wg_{}_{}", hex(16), hex(72))),
        ("anthropic_key", with("sk-ant-", format!("api03-{}-{}AA", letters(40), letters(30)))),
        ("openai_key", with("sk-", letters(48))),
        ("openai_key", with("sk-", format!("proj-{}_{}-T3BlbkFJ{}", letters(30), letters(40), letters(20)))),
        ("openai_key", with("sk-", format!("or-v1-{}", hex(64)))),
        ("provider_key", with("gsk_", letters(52))),
        ("provider_key", with("hf_", letters(34))),
        ("provider_key", with("sk-lf-", "1f0c3a52-5b7e-4a3b-9d5e-0c8f7e6d5c4b".into())),
        ("github_token", with("ghp_", letters(36))),
        ("github_token", with("ghs_", letters(36))),
        ("github_token", with("github_pat_", format!("{}_{}", letters(22), letters(59)))),
        ("gitlab_token", with("glpat-", letters(20))),
        ("aws_key", with("AKIA", upper(16))),
        ("aws_key", with("ASIA", upper(16))),
        ("google_key", with("AIza", letters(35))),
        ("slack_token", with("xoxb-", format!("1234567890-{}", letters(24)))),
        ("slack_token", with("xoxp-", format!("1234567890-{}", letters(24)))),
        ("slack_webhook", format!("hooks.slack.com/services/T{}/B{}/{}", upper(10), upper(10), letters(24))),
        ("stripe_key", with("sk_live_", letters(24))),
        ("jwt", with("eyJ", format!("{}.eyJ{}.{}-{}", letters(33), letters(60), letters(20), letters(22)))),
        (
            "jwt",
            with(
                "eyJ",
                format!("{}.{}.{}.{}.{}", letters(20), letters(30), letters(16), letters(12), letters(22)),
            ),
        ),
        ("private_key", private_key("RSA PRIVATE KEY", "\n")),
        ("private_key", private_key("OPENSSH PRIVATE KEY", "\r\n")),
        ("private_key", private_key("PRIVATE KEY", "\\n")),
        ("bearer", with("Bearer ", letters(32))),
        ("bearer", with("bearer  ", hex(16))),
        ("basic_auth", "Basic dXNlcjpodW50ZXIy".into()),
        ("url_credentials", "postgres://admin:hunter2@db.example:5432/app".into()),
        ("url_credentials", "redis://:hunter2@cache".into()),
        ("url_credentials", "amqp://me:p@ss@hunter2@queue".into()),
        ("url_credentials", "https://x-access-token:p%40ss@example.com/a.git".into()),
        ("url_query", "https://api.example/v1?user=7&access_token=hunter2hunter2".into()),
        ("assignment", "DB_PASSWORD=hunter2x".into()),
        ("assignment", "Server=db;Password=hunter2x;AccountKey=hunter2x".into()),
        ("quoted_assignment", "{'user': 'bob', 'api_key': 'hunter2.x', 'n': None}".into()),
        ("quoted_assignment", r#"{\"client_secret\": \"hunter2x\", \"cut"#.into()),
        ("card", "4111 1111 1111 1111".into()),
        ("card", "378282246310005".into()),
    ]
}

/// A key in PEM, whose lines end with `end`; the headers of an encrypted one are part of it.
fn private_key(kind: &str, end: &str) -> String {
    let headers = format!("Proc-Type: 4,ENCRYPTED{end}DEK-Info: AES-128-CBC,0A1B{end}{end}");
    let line = LETTERS.get(..64).unwrap();
    format!("-----BEGIN {kind}-----{end}{headers}{line}{end}{line}+/=={end}-----END {kind}-----")
}

/// The part of a secret that must be gone.
pub(super) fn core<'a>(rule: &str, secret: &'a str) -> &'a str {
    match rule {
        "url_credentials" if secret.contains("p%40ss") => "p%40ss",
        "url_credentials" | "url_query" | "assignment" | "quoted_assignment" => "hunter2",
        "slack_webhook" => secret.trim_start_matches("hooks.slack.com/services/"),
        "bearer" | "basic_auth" => secret.split(' ').next_back().unwrap(),
        _ => secret,
    }
}

/// What agents write that looks a little like a secret.
pub(super) const HARMLESS: &[&str] = &[
    "",
    "plain words, a number 42 and a date 2026-11-22T09:30:00.123456Z",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", // sha-256
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",                         // git sha
    "d41d8cd98f00b204e9800998ecf8427e",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "0199a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
    "41111111-1111-4111-8111-111111111111",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "1795339800 1795339800123 1795339800123456 1795339800123456789",
    "0.4111111111111111 and 3.14159265358979323846 and 1e300",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD",
    "fn token(&self) -> &Token { self.tokens.get(&self.token_type).expect(\"a token\") }",
    "password = os.environ['DB_PASSWORD']; headers = {'Authorization': f'Bearer {token}'}",
    "if key.startswith('-----BEGIN PRIVATE KEY-----'): raise ValueError('give the path')",
    "postgres://${DB_USER}:${DB_PASSWORD}@localhost/app and redis://:{password}@host and http://a:<password>@b",
    "fn login(password: &str, access_key: u64_le) { password=input2.password; secret=hash2(x); token='x1y2z3' }",
    "SELECT * FROM users WHERE password=$1 AND secret=? -- --password=<password1> api_key=12345678",
    "password policy: 'at least 12 characters'; secret_count=abc12345; password = None; api_key=********",
    "curl -H \"Authorization: Bearer $TOKEN\" https://api.example/v1?token=$TOKEN",
    ".sk-cube-grid .sk-folding-cube-animation-delay { animation: sk-foldCubeAngle 2.4s } sk-estimator-doc-link-fitted",
    "task-force-2024-11-22-report risk-assessment-of-the-year-2024 desk-fedcba98765432100123",
    "Basic understanding of bearer responsibilities; basic authentication-mechanisms",
    "git@github.com:owner/repository.git ssh://git@github.com/owner/repository http://localhost:8080/a@b",
    "mail someone@example.com, see https://example.com/a?page=2&sort=asc#top",
    "arn:aws:s3:::bucket/AKIAlogs gho_st_town wg_session_cache eyJ.no.jwt",
    "phone +49 151 2345 6789, order 2026-1122-0930-0012, isbn 978-3-16-148410-0",
    "[INFO] started [worker-3]",
    "{not json}",
    "[REDACTED:password] [REDACTED] <REDACTED> __REDACTED__ [Filtered] https://[REDACTED:url_credentials]@host",
    "größer als 4711 – naïve café 🌍 \u{202e}",
];
