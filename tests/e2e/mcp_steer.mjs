// Steers a run with the official client: node mcp_steer.mjs ERA PROGRAM ARGUMENT...
//                                    or: node mcp_steer.mjs ERA http://... TOKEN
// Prints what it saw as one line of JSON. Run in the folder of the packages.
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

const require = createRequire(process.cwd() + '/x.js');
const load = name => import(pathToFileURL(require.resolve(name)));
const {Client, StreamableHTTPClientTransport} = await load('@modelcontextprotocol/client');
const {StdioClientTransport} = await load('@modelcontextprotocol/client/stdio');

const [era, where, ...more] = process.argv.slice(2);
const negotiation = era === 'legacy' ? {} : {versionNegotiation: {mode: 'auto'}};
const client = new Client({name: 'test', version: '1'}, negotiation);
const headers = {Authorization: 'Bearer ' + more[0]};
await client.connect(where.startsWith('http')
    ? new StreamableHTTPClientTransport(new URL(where), {requestInit: {headers}})
    : new StdioClientTransport({command: where, args: more}));

const call = (name, args) => client.callTool({name, arguments: args});
const {tools} = await client.listTools();
const briefing = (await call('briefing', {})).structuredContent;
const lr = briefing.may_change.find(may => may.path === 'optimizer.lr');
const wrong = await call('propose', {set: [`optimizer.lr=${lr.max * 2}`], why: 'faster'});
const right = await call('propose', {set: ['optimizer.lr=0.003'], why: 'the loss falls slowly'});
const number = right.structuredContent.number;
let state = 'queued';
for (const end = Date.now() + 200000; Date.now() < end && /^(queued|open)$/.test(state);) {
    await new Promise(done => setTimeout(done, 500));
    const {proposals} = (await call('proposals_ls', {})).structuredContent;
    state = proposals.find(row => row.number === number).state;
}
const curve = await client.readResource({uri: 'trireme://run/briefing'});
const prompt = await client.getPrompt({name: 'steer'});
console.log(JSON.stringify({
    tools: tools.length, step: briefing.step, refused: wrong.isError && wrong.content[0].text,
    accepted: right.structuredContent.accepted, state, resource: curve.contents[0].text.length,
    prompt: prompt.messages[0].content.text.length
}));
await client.close();
