// browser.mjs: opens what html_sanitize() wrote in a headless Chromium that
// would tell if anything ran or was asked for; prints TAP.
//
//   node test/html/browser.mjs PROGRAM
//
// A server on a port of this machine's own hands out the cases, and is every
// host there is to that browser.  Each result is put into a page by innerHTML
// and opened as a document.  Calls come back through a binding of the
// DevTools, requests are seen by the DevTools and by the server, and the
// policy of the pages (which only reports) allows nothing.
//
// The same is done with what was not sanitised: if that does nothing either,
// the trap is broken.

import { readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:net';

import { cases, sanitize, tap } from './cases.mjs';
import { Chromium } from './chromium.mjs';

// How long all may take.
const PATIENCE = 180000;

// At least so many cases of the control run, and ask; about four fifths of
// what was seen, on a busy machine, when this was written.
const MUST_RUN = 500;
const MUST_ASK = 270;

const [program] = process.argv.slice(2);
const here = new URL('.', import.meta.url);
const file = name => readFileSync(new URL(name, here), 'utf8');

const all = cases();
const written = all.filter(one => one.written).length;
const results = sanitize(program, all.map(one => one.input));
const sets = {
	clean: all.map((one, i) => results[i].output),
	// The huge ones prove nothing here but that time passes.
	control: all.map(one => one.input.length > 20000 ? Buffer.alloc(0) : one.input),
};

// What was seen, of the set at hand.
let seen;
const fresh = () => ({ ran: new Set(), asked: new Set(), events: [] });

function saw(kind, what) {
	const id = /\/trap\/(\d+)/.exec(what)?.[1] ?? /trap=(\d+)/.exec(what)?.[1] ?? (kind === 'call' ? /^ran (\d+)/.exec(what)?.[1] : undefined);
	if (kind === 'call' && what.startsWith('ran '))
		seen.ran.add(Number(id));
	if (kind === 'request' && id !== undefined)
		seen.asked.add(Number(id));
	if (seen.events.length < 20000)
		seen.events.push(`${kind} ${what}` + (id !== undefined && all[id] ? ` (${all[id].group}: ${all[id].name})` : ''));
}

// Pages of our own; the script in them is the only one that may be.
const POLICY = "default-src 'none'; img-src cid: data:; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; report-uri /reported";
const KNOWN = /^\/(play|page\.js|rules\.mjs|insert\.mjs|(cases|insert|static)\/(clean|control)\/\d+\/\d+)$/;

// The browser's own errands, which no switch of it ends, go to names that no
// case has: theirs end in .test, or are this machine.
let errands = 0;
function isOurs(host) {
	return host === undefined || /(^|\.)test(:\d+)?$|^(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?$/.test(host);
}

function answer(request, response) {
	const reply = (type, body, more = {}) => {
		response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store', ...more });
		response.end(body);
	};
	const [, what, set, from, count] = request.url.split('/');

	if (!isOurs(request.headers.host)) {
		errands++;
		response.writeHead(404);
		response.end();
	}
	else if (request.method !== 'GET' || !KNOWN.test(request.url) || request.headers.host !== `127.0.0.1:${port}`) {
		saw('request', `to the server: ${request.method} ${request.headers.host}${request.url} from ${request.headers.referer ?? 'nowhere'}`);
		response.writeHead(404);
		response.end();
	}
	else if (what === 'play')
		reply('text/html; charset=utf-8', '<!doctype html><title>trap</title><link rel=icon href="data:,"><script src=/page.js></script><body>');
	else if (what === 'page.js' || what === 'rules.mjs')
		reply('text/javascript', file(what));
	else if (what === 'insert.mjs')
		reply('text/javascript', "import * as rules from '/rules.mjs'; const [, , set, from, count] = location.pathname.split('/');\n" +
			"window.begin(insert(set, Number(from), Number(count), set === 'clean' ? rules : null));");
	else if (what === 'cases')
		reply('application/json', JSON.stringify(sets[set].slice(+from, +from + +count).map((html, i) => ({ id: +from + i, html: html.toString('utf8') }))));
	else if (what === 'insert')
		reply('text/html; charset=utf-8', '<!doctype html><script src=/page.js></script><body><script type=module src=/insert.mjs></script>', { 'Content-Security-Policy-Report-Only': POLICY });
	else if (set === 'clean')
		reply('text/html; charset=utf-8', Buffer.concat([Buffer.from('<!doctype html><meta charset=utf-8><title>x</title><body>'), ...sets[set].slice(+from, +from + +count)]),
			{ 'Content-Security-Policy-Report-Only': POLICY.replaceAll("'self'", "'none'") });
	else
		reply('text/html; charset=utf-8', sets[set][from]);
}

const http = createHttp(answer);
http.on('upgrade', (request, socket) => {
	saw('request', `to the server: upgrade ${request.headers.host}${request.url}`);
	socket.destroy();
});
// Whoever comes with TLS, or with anything else, is seen as well.
const server = createServer(socket => {
	socket.on('error', () => {});
	socket.once('readable', () => {
		const first = socket.read();
		if (first === null)
			return;
		if (first[0] >= 0x41 && first[0] <= 0x5a) {
			socket.unshift(first);
			http.emit('connection', socket);
			return;
		}
		// The name asked for stands in the first message of TLS as it is.
		const hello = first.toString('latin1');
		const name = /[\w-][\w.-]*\.test(?![\w.-])/.exec(hello)?.[0];
		if (name !== undefined || !/[\w-]+\.[a-z]{2,}/.test(hello))
			saw('request', `to the server: ${first[0] === 0x16 ? 'TLS' : 'bytes'} for ${name ?? 'nobody'}`);
		else
			errands++;
		socket.destroy();
	});
});
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address();
const origin = `http://127.0.0.1:${port}`;

const chromium = new Chromium(port, (method, params, session) => {
	switch (method) {
		case 'Runtime.bindingCalled':
			saw('call', params.payload);
			break;
		case 'Runtime.exceptionThrown':
			saw('call', `threw ${params.exceptionDetails.exception?.description ?? params.exceptionDetails.text}`);
			break;
		case 'Network.requestWillBeSent':
			if (!(params.request.url.startsWith(`${origin}/`) && params.request.method === 'GET' && KNOWN.test(params.request.url.slice(origin.length))) &&
				!/^(cid|data):/.test(params.request.url) && !/^about:/.test(params.request.url))
				saw('request', `of ${params.request.method} ${params.request.url.slice(0, 200)}`);
			else if (/^data:/.test(params.request.url) && !/^data:image\/(png|gif|jpeg);base64,/.test(params.request.url))
				saw('request', `of ${params.request.url.slice(0, 100)}`);
			break;
		case 'Network.webSocketCreated':
			saw('request', `of ${params.url}`);
			break;
		case 'Page.javascriptDialogOpening':
			saw('call', `dialog ${params.type}`);
			chromium.send('Page.handleJavaScriptDialog', { accept: false }, session).catch(() => {});
			break;
		case 'Target.attachedToTarget':
			attached(params);
			break;
		case 'Inspector.targetCrashed':
			saw('call', 'the browser crashed');
			break;
	}
});

// A window that opens is one too many; it is closed.  The first is ours.
let main;
let ready;
const isReady = new Promise((resolve, reject) => ready = { resolve, reject });

async function prepare(session) {
	const send = (method, params) => chromium.send(method, params, session);
	await Promise.all([send('Page.enable'), send('Network.enable'), send('Runtime.enable'), send('Runtime.addBinding', { name: 'trap' }),
		send('Page.addScriptToEvaluateOnNewDocument', { source: file('hooks.js') +
			// how insert.mjs tells the page around it
			';window.inserted = new Promise(resolve => window.begin = what => resolve(what));' })]);
}

function attached({ sessionId, targetInfo }) {
	if (targetInfo.type === 'page' && !main) {
		main = sessionId;
		prepare(sessionId).then(ready.resolve, ready.reject);
	}
	else if (targetInfo.type === 'page') {
		saw('call', `opened ${targetInfo.url}`);
		chromium.send('Target.closeTarget', { targetId: targetInfo.targetId }).catch(() => {});
	}
}

async function play(set) {
	seen = fresh();
	const began = Date.now();
	await chromium.send('Page.navigate', { url: `${origin}/play` }, main);
	let loaded;
	for (let i = 0; i < 100 && !loaded; i++) {
		await new Promise(resolve => setTimeout(resolve, 50));
		loaded = (await chromium.send('Runtime.evaluate', { expression: 'typeof play === "function" && document.body !== null', returnByValue: true }, main)).result.value;
	}
	const { result, exceptionDetails } = await chromium.send('Runtime.evaluate',
		{ expression: `play(${JSON.stringify(set)}, ${all.length}, ${written})`, awaitPromise: true, returnByValue: true }, main);
	if (exceptionDetails)
		throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
	return { ...result.value, ...seen, seconds: ((Date.now() - began) / 1000).toFixed(1) };
}

seen = fresh();
const patience = setTimeout(() => {
	tap.ok(false, `done within ${PATIENCE / 1000} seconds`, [chromium.said]);
	tap.done();
	process.exit(1);
}, PATIENCE);
process.on('exit', () => chromium.kill());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, () => process.exit(1));

try {
	const version = await chromium.send('Browser.getVersion');
	await chromium.send('Browser.setDownloadBehavior', { behavior: 'deny' });
	await chromium.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
	await isReady;

	const clean = await play('clean');
	tap.ok(clean.inserted === all.length, `${all.length} results were put into a page`, [`${clean.inserted} were`]);
	tap.ok(clean.opened === all.length, `${all.length} results were opened as a document`, [`${clean.opened} were`]);
	const calls = clean.events.filter(event => event.startsWith('call '));
	const requests = clean.events.filter(event => event.startsWith('request '));
	tap.ok(calls.length === 0, 'nothing ran, nothing was against the policy of the pages, no window opened', calls);
	tap.ok(requests.length === 0, 'nothing was asked for', requests);
	tap.ok(clean.problems.length === 0, 'the browser has elements, attributes and addresses that may be, and the same when read again',
		clean.problems.map(([id, wrong]) => `${all[id].group}: ${all[id].name}: ${wrong}`));

	const control = await play('control');
	tap.ok(control.ran.size >= MUST_RUN, `as it came, at least ${MUST_RUN} of them run`, [`${control.ran.size} do`]);
	tap.ok(control.asked.size >= MUST_ASK, `as it came, at least ${MUST_ASK} of them ask for something`, [`${control.asked.size} do`]);
	for (const what of ['called alert', 'called eval', 'called open', 'error '])
		tap.ok(control.events.some(event => event.startsWith(`call ${what}`)), `as it came, the trap sees "${what.trim()}"`);
	for (const what of ['to the server: GET', 'to the server: TLS', 'to the server: POST', 'of GET'])
		tap.ok(control.events.some(event => event.startsWith(`request ${what}`)), `as it came, the trap sees "${what}"`);
	tap.diag(`${version.product}: ${all.length} cases, each both ways: ${clean.seconds} s, the control ${control.seconds} s`);
	tap.diag(`the control: ${control.inserted} inserted, ${control.opened} opened, ${control.ran.size} ran, ${control.asked.size} asked`);
	tap.diag(`errands of the browser's own: ${errands}`);
	if (process.env.TRAP_EVENTS) {
		for (const event of control.events)
			tap.diag(event.replace(/[^ -~]/g, '?'));
	}
} catch (error) {
	tap.ok(false, 'the browser does what it is told', [...String(error.stack).split('\n'), ...chromium.said.split('\n')]);
}
clearTimeout(patience);
await chromium.close();
tap.done();
server.close();
http.closeAllConnections();
setTimeout(() => process.exit(), 1000).unref();
