package main

const manDescription = `Bindery takes text messages over HTTP, keeps them in Redis, sends them to
carriers over persistent SMPP sessions under each carrier's window and rate, and
tells what became of every one of them.

A message that was accepted (202) is in Redis, and ends in exactly one final
status: delivered, undelivered, expired, rejected, failed, canceled or unknown.
What may have been sent more than once says so (uncertain: true).

"bindery demo" needs nothing and shows all of it. "bindery serve" is the gateway.
send, status, tail, carriers and queue are clients of its HTTP API.

An error says what went wrong, where, and after "next:" what to do.`

// firstConfig is a whole configuration.
const firstConfig = `  redis: {url: "redis://127.0.0.1:6379/0"}
  accounts:
    - {id: acme, api_key: "${ACME_KEY}", admin: true}
  carriers:
    - id: alpha
      address: "127.0.0.1:2776"
      system_id: bindery
      password: secret
  routes:
    - {id: default, carriers: [alpha]}`

const manConfiguration = `A YAML file (JSON is YAML), named by --config. A first one, for the carrier that
"bindery simulate" is:

` + firstConfig + `

accounts send, carriers are sent to, and the first of routes that matches a
message names its carriers. Unknown keys are errors. ${NAME} in a value is that
environment variable; a secret may be given as KEY_file, the name of a file that
holds it. Durations carry their unit (90s), rates are per second.

config/example.yaml of the sources has every key, with its default and a comment.
"bindery check" tells everything that is wrong with a file, with lines.`

// manSections are those behind CONFIGURATION, in order.
var manSections = []struct {
	title, text string
	items       [][2]string
}{
	{title: "ENVIRONMENT", items: [][2]string{
		{"BINDERY_API", "Address of the gateway that clients ask, where --api is not given."},
		{"BINDERY_API_KEY", "Key of the account that clients use, where --key-file is not given."},
		{"NO_COLOR, TERM", "With NO_COLOR set, or TERM=dumb, nothing is redrawn in its place: progress goes line by line."},
		{"HTTP_PROXY, HTTPS_PROXY, NO_PROXY", "As usual, for clients."},
	}, text: "The configuration may name others, as ${NAME}."},
	{title: "FILES", items: [][2]string{
		{"/etc/bindery/bindery.yaml", "The usual place of the configuration. It is not read unless --config names it; completion looks there for the ids of carriers."},
		{"KEY_file in the configuration", "Files that hold secrets, found relative to the configuration. One that everybody may read is warned of."},
	}, text: "Bindery keeps nothing in files: all that it knows is in Redis."},
	{title: "EXIT STATUS", items: [][2]string{
		{"0", "Done, or ended as asked."},
		{"1", "Refused or failed; of check: the file is wrong."},
		{"2", "Wrong flags or arguments; nothing was done."},
		{"3", "Of clients: no answer, or not now (429, 503). The same again may do."},
		{"130", "Interrupted before it was done."},
	}},
	{title: "SIGNALS", items: [][2]string{
		{"SIGTERM, SIGINT", "serve takes nothing more, lets the windows drain (at most 10 s), unbinds and exits with 0. simulate and tail end, with 0; simulate prints a tally."},
		{"SIGHUP", "serve reads its file again. Carriers whose settings did not change keep their binds, what needs a restart (redis, http, smpp) is said and left as it was, and a bad file changes nothing."},
	}},
	{title: "EXAMPLES", text: `See it work:

  bindery demo

A gateway with a simulated carrier, each in a terminal of its own, and a message:

  bindery simulate
  export ACME_KEY=$(openssl rand -hex 16); echo $ACME_KEY
  bindery check --config bindery.yaml
  bindery serve --config bindery.yaml
  export BINDERY_API_KEY=...
  bindery send --to +821012345678 --from 1544 --text hello
  bindery tail

A file of messages, what was refused, and what waits:

  bindery send --file messages.ndjson --refused refused.ndjson
  bindery queue`},
	{title: "SEE ALSO", text: `redis-server(1), redis-cli(1)

README.md and DESIGN.md of the sources; GET /openapi.json of a gateway; Short
Message Peer to Peer Protocol Specification v3.4.`},
}
