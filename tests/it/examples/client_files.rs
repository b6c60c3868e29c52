//! The files of MCP clients: each starts or reaches a watchglass, in the form that its client reads.

use std::path::Path;

use assert_cmd::Command;
use serde_json::{Value, json};

use super::text;
use crate::support::server::BINARY;

const STDIO: [&str; 3] = ["claude_desktop_config.json", "claude_code.mcp.json", "cursor.mcp.json"];

/// How each client writes a variable.
const URL: [(&str, &str); 2] =
    [("claude_code_url.mcp.json", "${WATCHGLASS_KEY}"), ("cursor_url.mcp.json", "${env:WATCHGLASS_KEY}")];

fn server_of(file: &str) -> Value {
    let file: Value = serde_json::from_str(&text(&format!("examples/{file}"))).expect(file);
    let servers = file["mcpServers"].as_object().expect("servers");
    assert_eq!(servers.keys().collect::<Vec<_>>(), ["watchglass"]);
    servers["watchglass"].clone()
}

#[test]
fn the_commands_start_and_introduce_themselves() {
    let hello = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
        },
    });
    for file in STDIO {
        let server = server_of(file);
        let command = Path::new(server["command"].as_str().expect("a command"));
        assert_eq!(command.file_name().unwrap(), "watchglass", "{file}");
        let is_desktop = file.starts_with("claude_desktop");
        assert_eq!(command.is_absolute(), is_desktop, "a desktop program does not have the shell's PATH");
        let output = Command::new(BINARY)
            .args(super::texts(&server["args"]))
            .env("WATCHGLASS_STORE", "memory:")
            .write_stdin(format!("{hello}\n"))
            .output()
            .expect("the binary starts");
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).expect("one line of json");
        assert_eq!(answer["result"]["serverInfo"]["name"], "watchglass", "{file}");
    }
}

#[test]
fn the_addresses_are_those_of_a_server_with_a_key() {
    for (file, key) in URL {
        let server = server_of(file);
        assert!(server["url"].as_str().unwrap().contains("http://127.0.0.1:8080/mcp"), "{file}");
        assert_eq!(server["headers"], json!({ "Authorization": format!("Bearer {key}") }), "{file}");
        let kind = if file.starts_with("claude_code") { json!("http") } else { Value::Null };
        assert_eq!(server["type"], kind, "without its type Claude Code takes a server for a command");
    }
}

#[test]
fn the_connector_names_one_server_and_its_tools() {
    let request: Value = serde_json::from_str(&text("examples/messages_api.json")).unwrap();
    let [server] = &request["mcp_servers"].as_array().unwrap()[..] else { panic!("one server") };
    let [tools] = &request["tools"].as_array().unwrap()[..] else { panic!("its tools") };
    assert_eq!((&server["type"], &tools["type"]), (&json!("url"), &json!("mcp_toolset")));
    assert_eq!(server["name"], tools["mcp_server_name"]);
    // The connector takes no other scheme, and calls from Anthropic's network.
    assert!(server["url"].as_str().unwrap().starts_with("https://"));
}
