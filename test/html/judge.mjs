// judge.mjs: gives every case to html_sanitize() and has parse5, which reads
// HTML as browsers do, say what came out; prints TAP.
//
//   node test/html/judge.mjs PROGRAM NODE_MODULES
//
// What came out is read within a div and as a whole document.  Either way
// there must be nothing but what rules.mjs allows, tags and text must be read as
// they were written, and writing the tree and reading it again must change
// nothing.  Given back to html_sanitize(), it must stay as it is.

import { pathToFileURL } from 'node:url';

import { cases, sanitize, tap } from './cases.mjs';
import { wrongAttribute, wrongElement } from './rules.mjs';

const [program, modules] = process.argv.slice(2);
const { parse, parseFragment, serialize } = await import(pathToFileURL(`${modules}/parse5/dist/index.js`));

function* walk(top) {
	const waiting = [...top.childNodes].reverse();
	while (waiting.length > 0) {
		const node = waiting.pop();
		yield node;
		const children = node.content ? node.content.childNodes : node.childNodes ?? [];
		for (let i = children.length - 1; i >= 0; i--)
			waiting.push(children[i]);
	}
}

function wrongTree(top) {
	for (const node of walk(top)) {
		if (node.nodeName === '#text') {
			if (/[\0\x01-\x08\x0b-\x1f\x7f-\x9f]/.test(node.value))
				return 'a control in the text';
			continue;
		}
		if (!node.tagName)
			return `a ${node.nodeName}`;
		const attrs = node.attrs.map(attr => attr.prefix ? `${attr.prefix}:${attr.name}` : attr.name);
		const wrong = wrongElement(node.namespaceURI, node.tagName, attrs);
		if (wrong)
			return wrong;
		for (let i = 0; i < attrs.length; i++) {
			const worse = wrongAttribute(node.tagName, attrs[i], node.attrs[i].value);
			if (worse)
				return worse;
		}
	}
	return null;
}

// write: a tree as html_sanitize() would write it, so that what was written can
// be compared with what was read from it, tag for tag and word for word.
const VOID = ['br', 'col', 'hr', 'img', 'wbr'];
const escape = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function write(top) {
	let html = '';
	const waiting = [...top.childNodes].reverse();
	while (waiting.length > 0) {
		const node = waiting.pop();
		if (typeof node === 'string')
			html += node;
		else if (node.nodeName === '#text')
			html += escape(node.value);
		else {
			html += `<${node.tagName}${node.attrs.map(({ name, value }) => ` ${name}="${escape(value).replaceAll('"', '&quot;')}"`).join('')}>`;
			// The first new line in a <pre> is not read.
			if (node.tagName === 'pre' && node.childNodes[0]?.value?.startsWith('\n'))
				html += '\n';
			if (!VOID.includes(node.tagName))
				waiting.push(`</${node.tagName}>`);
			for (let i = node.childNodes.length - 1; i >= 0; i--)
				waiting.push(node.childNodes[i]);
		}
	}
	return withoutAdded(html);
}

// What a browser adds to a table by itself.
function withoutAdded(html) {
	return html.replace(/<\/?(tbody|colgroup)>/g, '');
}

// So do those who write trees: what begins with a new line loses it.
function withoutNewLines(html) {
	return html.replace(/<pre>\n+/g, '<pre>');
}

const READINGS = {
	'in a div': html => parseFragment(parseFragment('<div></div>').childNodes[0], html),
	'as a document': html => parse(`<!doctype html><html><head></head><body>${html}`).childNodes[1].childNodes[1],
};

// judge: null, or what is wrong with this HTML.
function judge(html) {
	for (const [how, read] of Object.entries(READINGS)) {
		const tree = read(html);
		const wrong = wrongTree(tree);
		if (wrong)
			return `${how}: ${wrong}`;
		const written = write(tree);
		if (written !== withoutAdded(html))
			return `${how}: is read as ${written}`;
		const again = serialize(tree);
		if (withoutNewLines(serialize(read(again))) !== withoutNewLines(again))
			return `${how}: changes when written and read again`;
	}
	return null;
}

// A judge that lets everything pass would be no judge.
const BAD = ['<script>x</script>', '<p onclick=x>', '<p style="color:red">', '<p id=x>', '<p class=x>', '<!-- x -->', '<svg></svg>',
	'<math><mi>x</mi></math>', '<a href="http://a.test/">x</a>', '<a href="javascript:x" rel="noopener noreferrer nofollow" target="_blank">x</a>',
	'<a href=" http://a.test/" rel="noopener noreferrer nofollow" target="_blank">x</a>',
	'<a href="/x" rel="noopener noreferrer nofollow" target="_blank">x</a>', '<a href="http://a.test/" rel="opener" target="_blank">x</a>',
	'<img src="http://a.test/">', '<img src="data:image/svg+xml;base64,AAAA">', '<img src="data:image/png;base64,AAAA" srcset="x">',
	'<img data-remote-src="javascript:x">', '<img data-remote-src="/x">', '<img>', '<td>x</td>', '<p>x<div>y</div></p>', '<b>x<p>y</b>z</p>',
	'<table>x</table>', '<iframe></iframe>', '<template><b>x</b></template>', '<input>', '<form></form>', '<x-y>x</x-y>', '<font color="a;b">x</font>',
	'<td width="1;x">x</td>', '<h1><h2>x</h2></h1>', '<a href="http://a.test/" rel="noopener noreferrer nofollow" target="_blank"><a href="http://a.test/" ' +
	'rel="noopener noreferrer nofollow" target="_blank">x</a></a>', '<noscript>x</noscript>', '<title>x</title>', '<p>\u0001</p>', '<p lang="x y">z</p>'];
const overlooked = BAD.filter(html => judge(html) === null);
tap.ok(overlooked.length === 0, `the judge finds each of ${BAD.length} faults put before it`, overlooked);

const GOOD = '<p align="left">Dear <b>customer</b>,<br>see <a href="https://a.test/?a=1&amp;b=2" rel="noopener noreferrer nofollow" target="_blank">this</a> &lt;1&gt;</p>' +
	'<table border="1"><tbody><tr><td colspan="2">x</td></tr></tbody></table><ul><li>y</li></ul><img src="cid:a@b.test" alt="z">' +
	'<img data-remote-src="https://a.test/x.png"><img src="data:image/png;base64,iVBORw0K">';

const all = cases();
const began = process.hrtime.bigint();
const results = sanitize(program, [...all.map(one => one.input), Buffer.from(GOOD)]);
const took = Number(process.hrtime.bigint() - began) / 1e6;
const good = results.pop();

tap.ok(judge(GOOD) === null && good.output.toString() === GOOD, 'what is good stays as it is', [judge(GOOD), good.output]);

// UTF-8 that is none would be mended by reading it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const groups = new Map();
const agreed = [];
for (const [i, one] of all.entries()) {
	const { status, output } = results[i];
	let wrong = null;
	let html = '';
	try {
		html = decoder.decode(output);
	} catch {
		wrong = 'is not UTF-8';
	}
	if ((status !== 0) !== Boolean(one.refused))
		wrong = `status ${status}`;
	else if (wrong === null && status === 0)
		wrong = judge(html);
	if (status === 0)
		agreed.push(i);
	if (!groups.has(one.group))
		groups.set(one.group, { count: 0, wrong: [] });
	const group = groups.get(one.group);
	group.count++;
	if (wrong)
		group.wrong.push(`${one.name}: ${wrong}`, `  of ${one.input.toString('latin1').slice(0, 300)}`, `  came ${html.slice(0, 300)}`);
}
for (const [name, { count, wrong }] of groups)
	tap.ok(wrong.length === 0, `${name}: ${count} cases`, wrong);

const again = sanitize(program, agreed.map(i => results[i].output));
const changed = agreed.filter((i, k) => again[k].status !== 0 || !again[k].output.equals(results[i].output));
tap.ok(changed.length === 0, `${agreed.length} results stay as they are when given again`,
	changed.map(i => `${all[i].name}: ${results[i].output.toString().slice(0, 200)}`));

// Nothing would be safe too, and useless.
const kept = agreed.filter(i => results[i].output.length > 0).length;
tap.ok(kept > all.length / 2, `${kept} of ${all.length} results have something to show`);

tap.diag(`${all.length} cases, ${took.toFixed(0)} ms to sanitise`);
tap.done();
