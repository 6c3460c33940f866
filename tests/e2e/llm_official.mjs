// Run by node with the official clients of npm (llm_packages.py): reads {"api", "url", "key", "body",
// "modules"} as JSON on stdin, and makes the same call by the client.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const asked = JSON.parse(readFileSync(0, "utf8"));
const require = createRequire(asked.modules + "/");
if (asked.api === "anthropic") {
  const { Anthropic } = require("@anthropic-ai/sdk");
  const root = asked.url.slice(0, -"/v1".length);
  const client = new Anthropic({ apiKey: asked.key, baseURL: root, maxRetries: 0 });
  await client.messages.create(asked.body);
} else {
  const { OpenAI } = require("openai");
  const client = new OpenAI({ apiKey: asked.key, baseURL: asked.url, maxRetries: 0 });
  await client.chat.completions.create(asked.body);
}
