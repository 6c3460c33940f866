// Chat completions over HTTP, in OpenAI's wire format, by llama.cpp as the package node-llama-cpp
// carries it: small_model_server.mjs FOLDER MODEL THREADS; FOLDER has node_modules. Answers follow
// the request's schema, of which llama.cpp is given a grammar. Listens on a free port of the loopback
// interface and says its address in a line. Its first line of input is the key that it wants to be
// shown, or empty; it ends at the end of its input. One request at a time; what a question has in
// common with the one before, from its beginning, is not computed again.
import http from "node:http";
import path from "node:path";
import readline from "node:readline";
import {pathToFileURL} from "node:url";

const CONTEXT = 8192; // as long as the model was trained for
const SEED = 4301;
const MAX_TOKENS = 1024; // where a request does not say
const BODY_BYTES = 1 << 22;

const [folder, modelPath, threads] = process.argv.slice(2);
const packages = path.join(folder, "node_modules", "node-llama-cpp", "dist", "index.js");
const {getLlama, LlamaGrammarEvaluationState, LlamaJsonSchemaGrammar} = await import(
    pathToFileURL(packages).href);
const llama = await getLlama({gpu: false, build: "never", logLevel: "error",
                              maxThreads: Number(threads)});
const model = await llama.loadModel({modelPath});
const context = await model.createContext({contextSize: CONTEXT, sequences: 1,
                                           threads: Number(threads)});
const sequence = context.getSequence();

/** The schema as this package writes it: oneOf for anyOf. */
function renamed(schema) {
    if (Array.isArray(schema)) return schema.map(renamed);
    if (schema === null || typeof schema !== "object") return schema;
    return Object.fromEntries(Object.entries(schema).map(
        ([key, value]) => [key === "anyOf" ? "oneOf" : key, renamed(value)]));
}

/** Whether the text is a whole JSON value: a grammar lets blanks follow it, of which a small model
 * finds no end. */
function isWhole(text) {
    try {
        return text.trimEnd().endsWith("}") && JSON.parse(text) !== null;
    } catch {
        return false;
    }
}

/** The conversation in the form that the model was trained with (ChatML). */
function tokensOf(messages) {
    const tokens = [];
    for (const {role, content} of messages)
        tokens.push(...model.tokenize("<|im_start|>", true), ...model.tokenize(`${role}\n${content}`),
                    ...model.tokenize("<|im_end|>", true), ...model.tokenize("\n"));
    return [...tokens, ...model.tokenize("<|im_start|>", true), ...model.tokenize("assistant\n")];
}

async function complete(request) {
    const limit = request.max_tokens ?? request.max_completion_tokens ?? MAX_TOKENS;
    const tokens = tokensOf(request.messages), told = [], began = process.cpuUsage();
    if (tokens.length + limit > CONTEXT)
        throw new RangeError(`the request has ${tokens.length} + ${limit} tokens, the context ` +
                             `${CONTEXT}`);
    const schema = request.response_format?.json_schema?.schema;
    const options = {temperature: 0.3, topP: 0.9, seed: SEED};
    if (schema)
        options.grammarEvaluationState = new LlamaGrammarEvaluationState(
            {model, grammar: new LlamaJsonSchemaGrammar(llama, renamed(schema))});
    await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
    const kept = sequence.nextTokenIndex;
    let first, stop = "length";
    const answer = sequence.evaluate(tokens.slice(kept), {...options, yieldEogToken: true});
    for await (const token of answer) {
        first ??= process.cpuUsage(began);
        if (model.isEogToken(token)) {
            stop = "stop";
            break;
        }
        told.push(token);
        if (schema && isWhole(model.detokenize(told))) {
            stop = "stop";
            break;
        }
        if (told.length >= limit) break;
    }
    const seconds = (usage) => ((usage.user + usage.system) / 1e6).toFixed(1);
    console.error(`${tokens.length} tokens in, of which ${kept} were kept, ${told.length} out, ` +
                  `${stop}: ${seconds(first)} of ${seconds(process.cpuUsage(began))} s of a processor`);
    return {
        object: "chat.completion", model: request.model,
        choices: [{index: 0, finish_reason: stop,
                   message: {role: "assistant", content: model.detokenize(told)}}],
        usage: {prompt_tokens: tokens.length, completion_tokens: told.length,
                total_tokens: tokens.length + told.length,
                prompt_tokens_details: {cached_tokens: kept}}
    };
}

const lines = readline.createInterface({input: process.stdin});
const key = await new Promise((resolve) => lines.once("line", resolve));
lines.on("close", () => process.exit(0)); // perhaps in the middle of an answer
let turn = Promise.resolve();

async function handle(request, body) {
    if (key && request.headers.authorization !== `Bearer ${key}`)
        return [401, {error: {message: "Invalid API Key", code: 401}}];
    if (request.method !== "POST" || request.url !== "/v1/chat/completions")
        return [404, {error: {message: "Not Found", code: 404}}];
    try {
        const mine = turn.then(() => complete(JSON.parse(body)));
        turn = mine.catch(() => undefined);
        return [200, await mine];
    } catch (error) {
        console.error(String(error));
        return [400, {error: {message: String(error), code: 400}}];
    }
}

const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const part of request.setEncoding("utf8"))
        if ((body += part).length > BODY_BYTES) return request.destroy();
    const [status, message] = await handle(request, body);
    response.writeHead(status, {"Content-Type": "application/json"});
    response.end(JSON.stringify(message));
});
server.requestTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/v1`));
