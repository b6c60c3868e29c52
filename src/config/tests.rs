use super::*;

fn nothing(_: &str) -> Option<String> {
    None
}

fn defaults() -> Config {
    Config::resolve(&Layer::default()).unwrap()
}

fn from_file(text: &str) -> Result<Config, ConfigError> {
    file::parse("watchglass.toml", text).and_then(|layer| Config::resolve(&layer))
}

#[test]
fn the_defaults_are_safe() {
    let config = defaults();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert!(config.check_exposure(false).is_ok());
    assert!(config.store.url.expose().starts_with("sqlite:"));
    assert_eq!(config.store.durability, Durability::PowerLoss);
    assert_eq!(config.log.filter, "info,rmcp=warn");
}

#[test]
fn the_example_says_what_the_defaults_are() {
    assert_eq!(from_file(EXAMPLE).unwrap(), defaults());
    // A setting begins right after its `#`, prose after a space.
    let is_setting = |rest: &str| rest.starts_with(|first: char| first.is_ascii_lowercase());
    let uncomment =
        |line: &'static str| line.strip_prefix('#').filter(|rest| is_setting(rest)).unwrap_or(line);
    let settings: Vec<_> = EXAMPLE.lines().map(uncomment).collect();
    assert!(settings.iter().filter(|line| line.contains(" = ") && !line.starts_with('#')).count() >= 9);
    assert_eq!(from_file(&settings.join("\n")).unwrap(), defaults());
}

#[test]
fn the_retention_of_the_example_can_be_taken() {
    let text = EXAMPLE.replace("# traces", "traces").replace("# max_size", "max_size");
    let retention = from_file(&text).unwrap().retention;
    assert_eq!(retention.traces, Some(Duration::from_secs(604_800)));
    assert_eq!(retention.max_size, Some(5_000_000_000));
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("settings.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:1\"\nlog = \"warn\"\necho = true\nstale_after = \"2h\"\n")
        .unwrap();
    let environment = |name: &str| match name {
        "WATCHGLASS_CONFIG" => Some(path.display().to_string()),
        "WATCHGLASS_LISTEN" => Some("127.0.0.1:2".to_owned()),
        "WATCHGLASS_LOG" => Some("error".to_owned()),
        "WATCHGLASS_ECHO" => Some("off".to_owned()),
        "WATCHGLASS_STORE" => Some(String::new()),
        _ => None,
    };
    let flags = Flags { listen: Some("localhost:3".to_owned()), ..Flags::default() };
    let config = Config::load(flags, &environment).unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:3");
    assert_eq!(config.log.filter, "error");
    assert!(!config.echo);
    assert_eq!(config.stale_after, Duration::from_secs(7_200));
    assert_eq!(config.store, defaults().store);
}

#[test]
fn an_error_in_the_file_has_its_position() {
    for (text, expected) in [
        ("echo = true\nlisen = \"x\"\n", "watchglass.toml:2:1: unknown field `lisen`"),
        ("[retention]\n  trace = \"7d\"\n", "watchglass.toml:2:3: unknown field `trace`"),
        ("echo = 5\n", "watchglass.toml:1:8: invalid type"),
        ("echo = \n", "watchglass.toml:1:"),
    ] {
        let message = from_file(text).unwrap_err().message;
        assert!(message.starts_with(expected), "{message}");
        assert!(!message.contains('\n'));
    }
}

#[test]
fn bad_values_are_named() {
    let bad = |name: &'static str, value: &'static str| {
        let environment = move |asked: &str| (asked == name).then(|| value.to_owned());
        Config::load(Flags::default(), &environment).unwrap_err().message
    };
    assert_eq!(
        bad("WATCHGLASS_LISTEN", "8080"),
        "`listen` can't be `8080`, it must be an address and a port"
    );
    assert!(bad("WATCHGLASS_ECHO", "maybe").contains("`maybe`"));
    assert!(bad("WATCHGLASS_LOG_FORMAT", "xml").contains("`xml`"));
    assert!(bad("WATCHGLASS_DURABILITY", "forever").contains("`forever`"));
    assert!(bad("WATCHGLASS_LOG", "a=b=c").contains("`a=b=c`"));
    assert!(bad("WATCHGLASS_STALE_AFTER", "soon").contains("`soon`"));
    assert!(bad("WATCHGLASS_CONTENT", "some").contains("`some`"));
    for list in ["dlq:*", "dlq:[ab]", "wg:keys", "logs:a", "trace:a:spans", "span:a", "two words"] {
        let message = bad("WATCHGLASS_DEAD_LETTERS", list);
        assert!(message.starts_with(&format!("`dead_letters` can't be `{list}`")), "{message}");
    }
    assert!(bad("WATCHGLASS_TRUSTED_PROXIES", "proxy").contains("`proxy`"));
    assert_eq!(bad("WATCHGLASS_PUSHGATEWAY", "ftp://user:secret@x"), "`pushgateway` is no address");
    assert_eq!(bad("WATCHGLASS_READ_KEY", "guess me"), "`WATCHGLASS_READ_KEY` has 8 characters");
    assert_eq!(bad("WATCHGLASS_TLS_CERT", "cert.pem"), "`tls_cert` is given alone");
    assert!(bad("WATCHGLASS_CONFIG", "/nonexistent/x.toml").contains("`/nonexistent/x.toml` can't be read"));
}

#[test]
fn listening_beyond_loopback_is_refused_unless_asked_for() {
    let listen = |insecure_no_auth, trusted_proxies: &[&str], has_keys| {
        let flags = Flags {
            listen: Some("0.0.0.0:8080".to_owned()),
            insecure_no_auth,
            trusted_proxies: trusted_proxies.iter().map(|proxy| (*proxy).to_owned()).collect(),
            ..Flags::default()
        };
        Config::load(flags, &nothing).unwrap().check_exposure(has_keys)
    };
    assert!(listen(false, &[], false).unwrap_err().hint.unwrap().contains("--insecure-no-auth"));
    assert!(listen(false, &["10.0.0.1"], false).unwrap_err().hint.unwrap().contains("key create"));
    assert!(listen(false, &[], true).unwrap_err().hint.unwrap().contains("--tls-cert"));
    assert!(listen(false, &["10.0.0.1"], true).is_ok());
    assert!(listen(true, &[], false).is_ok());
    let behind_proxy = Flags { trusted_proxies: vec!["127.0.0.1".to_owned()], ..Flags::default() };
    let behind_proxy = Config::load(behind_proxy, &nothing).unwrap();
    assert!(behind_proxy.is_exposed() && behind_proxy.check_exposure(false).is_err());
}

#[test]
fn secrets_come_from_the_environment_and_are_never_shown() {
    let environment = |name: &str| match name {
        "WATCHGLASS_INGEST_KEY" | "WATCHGLASS_READ_KEY" | "WATCHGLASS_KEY" => Some("canary-".repeat(4)),
        "WATCHGLASS_PUSHGATEWAY" => Some("http://user:canary@gateway:9091/".to_owned()),
        "WATCHGLASS_TRUSTED_PROXIES" => Some("10.0.0.5, 172.16.0.0/12".to_owned()),
        _ => None,
    };
    let config = Config::load(Flags::default(), &environment).unwrap();
    assert!(config.access.ingest_key.is_some() && config.access.client_key.is_some());
    assert_eq!(config.access.trusted_proxies.len(), 2);
    let gateway = config.pushgateway.as_ref().unwrap();
    assert_eq!(gateway.expose(), "http://user:canary@gateway:9091");
    assert_eq!(gateway.to_string(), "http://gateway:9091");
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");
    assert!(from_file("ingest_key = \"x\"").unwrap_err().message.contains("unknown field `ingest_key`"));
}

#[test]
fn prices_are_decimals_and_their_models_names() {
    let text = "[prices]\nfile = \"p.json\"\n[[prices.override]]\nmodel = \"my-*\"\ninput_mtok = 0.1\noutput_mtok = \"0.2\"\n";
    let prices = from_file(text).unwrap().prices;
    assert_eq!((prices.file, prices.overrides.len()), (Some("p.json".into()), 1));
    for (model, input, expected) in [
        ("m", "-1", "watchglass.toml:3:14: a price can't be negative: `-1`"),
        ("m", "\"free\"", "watchglass.toml:3:14: invalid"),
        ("m", "[]", "watchglass.toml:3:14: invalid type"),
        ("", "1", "`prices.override.model` can't be ``, it must be a name"),
        ("a*b*", "1", "`prices.override.model` can't be `a*b*`, it must be a name"),
    ] {
        let text =
            format!("[[prices.override]]\nmodel = \"{model}\"\ninput_mtok = {input}\noutput_mtok = 1\n");
        let message = from_file(&text).unwrap_err().message;
        assert!(message.starts_with(expected), "{message}");
    }
    assert!(from_file("[[prices.override]]\nmodel = \"m\"\n").unwrap_err().message.contains("missing field"));
}
