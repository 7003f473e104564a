// cases.mjs: what the judges are given: the cases of attacks/*.txt, and those
// made of elements, attributes, wrappings and payloads, always the same ones.
//
// In the files, and in what is put together here, stand for themselves but:
//
//   {{run}}   a call that says this case ran     {{id}}    the case's number
//   {{url}}   an address that must not be asked  {{surl}}  the same, https
//   {{host}}  that address without the scheme    {{lb}}    {{   {{rb}}  }}
//   {{9f}}    a byte                             {{u:1F600}}  a character
//   {{repeat:N:x}}  x, N times                   {{count:N:x#}}  x0 x1 x2 ...
//
// Nothing else than {{run}} says that something ran, and every {{url}} leads
// to this machine, whatever the name.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const here = new URL('.', import.meta.url);

function expand(text, id) {
	const meaning = (all, name) => {
		let found;
		switch (name) {
			case 'run': return `ran(${id})`;
			case 'id': return String(id);
			case 'url': return `http://trap.test/trap/${id}`;
			case 'surl': return `https://trap.test/trap/${id}`;
			case 'host': return `trap.test/trap/${id}`;
			case 'lb': return '{{';
			case 'rb': return '}}';
		}
		if (/^[0-9a-f]{2}$/.test(name))
			return String.fromCharCode(parseInt(name, 16));
		if ((found = /^u:([0-9A-F]+)$/.exec(name)))
			return Buffer.from(String.fromCodePoint(parseInt(found[1], 16))).toString('latin1');
		if ((found = /^repeat:(\d+):(.+)$/s.exec(name)))
			return found[2].repeat(Number(found[1]));
		if ((found = /^count:(\d+):(.+)$/s.exec(name)))
			return Array.from({ length: Number(found[1]) }, (_, i) => found[2].replace('#', i)).join('');
		throw new Error(`what is ${all}?`);
	};
	return Buffer.from(text.replace(/\{\{(.+?)\}\}/gs, meaning), 'latin1');
}

function* written() {
	const folder = new URL('attacks/', here);
	for (const file of readdirSync(folder).sort()) {
		if (!file.endsWith('.txt'))
			continue;
		for (const line of readFileSync(new URL(file, folder), 'latin1').split('\n')) {
			if (line === '' || line.startsWith('#'))
				continue;
			const found = /^([a-z0-9-]+)(!?): (.*)$/.exec(line);
			if (!found)
				throw new Error(`${file}: not a case: ${line}`);
			yield { written: true, group: file.replace('.txt', ''), name: found[1], refused: found[2] === '!', text: found[3] };
		}
	}
}

// Every element there is or was, and some that never were.
const ELEMENTS = `a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big
	blink blockquote body br button canvas caption center cite code col colgroup content data datalist dd del
	details dfn dialog dir div dl dt em embed fencedframe fieldset figcaption figure font footer form frame
	frameset h1 h6 head header hgroup hr html i iframe image img input ins isindex kbd keygen label layer legend
	li link listing main map mark marquee math menu menuitem meta meter multicol nav nextid nobr noembed noframes
	noscript object ol optgroup option output p param picture plaintext portal pre progress q rb rp rt rtc ruby
	s samp script search section select selectedcontent shadow slot small source spacer span strike strong style
	sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr
	xml xmp x-ar-inbox-root mi mo mn ms mtext mglyph malignmark annotation-xml maction g rect text desc
	foreignObject animate set use image`.split(/\s+/);

const EVENTS = `abort afterprint animationcancel animationend animationiteration animationstart auxclick
	beforecopy beforecut beforeinput beforematch beforepaste beforeprint beforetoggle beforeunload begin blur
	cancel canplay canplaythrough change click close command contextmenu copy cuechange cut dblclick drag dragend
	dragenter dragexit dragleave dragover dragstart drop durationchange emptied end ended error finish focus
	focusin focusout formdata fullscreenchange gotpointercapture hashchange input invalid keydown keypress keyup
	languagechange load loadeddata loadedmetadata loadend loadstart lostpointercapture message messageerror
	mousedown mouseenter mouseleave mousemove mouseout mouseover mouseup mousewheel offline online pagehide
	pagereveal pageshow pageswap paste pause play playing pointercancel pointerdown pointerenter pointerleave
	pointermove pointerout pointerover pointerrawupdate pointerup popstate progress ratechange rejectionhandled
	repeat reset resize scroll scrollend scrollsnapchange search securitypolicyviolation seeked seeking select
	selectionchange selectstart slotchange stalled start storage submit suspend timeupdate toggle touchcancel
	touchend touchmove touchstart transitioncancel transitionend transitionrun transitionstart
	unhandledrejection unload volumechange waiting webkitanimationend webkittransitionend wheel zoom`.split(/\s+/);

// Where an address can stand.
const PLACES = `a href|a ping|a xlink:href|area href|audio src|base href|blockquote cite|body background|button
	formaction|col background|command icon|del cite|embed src|font face|font color|form action|frame src|head
	profile|hr background|html manifest|iframe src|iframe srcdoc|iframe longdesc|image src|image href|img src|img
	srcset|img longdesc|img usemap|img lowsrc|img dynsrc|img data-remote-src|input src|input formaction|ins
	cite|layer src|li background|link href|object data|object classid|object codebase|object archive|p style|q
	cite|script src|source src|source srcset|svg href|table background|tbody background|td background|td
	bgcolor|th background|tr background|track src|use href|video poster|video src|xml src`.replace(/\s+/g, ' ').split('|');

const ADDRESSES = ['javascript:{{run}}', ' &#1;JaVa&Tab;ScRiPt&colon;{{run}}', 'data:text/html,<script>{{run}}</script>',
	"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{{run}}'/>", '{{url}}', '//{{host}}',
	'&bsol;&bsol;{{host}}', 'url({{url}})', "cid:x' onerror='{{run}}", '{{url}} 1x'];

// In one another: what one reads as text, another as markup.
const RAW = ['title', 'textarea', 'style', 'script', 'xmp', 'iframe', 'noembed', 'noframes', 'noscript', 'plaintext',
	'listing', 'template', 'select', 'svg', 'math', 'svg><style', 'math><mtext><mglyph><style', 'svg><desc><title',
	'table', 'a', 'p', 'button', 'object', '!--', '![CDATA[', '!x', '?x'];

const PAYLOADS = ['<script>{{run}}</script>', '<img src=x onerror={{run}}>', '<svg onload={{run}}>',
	'<svg><script>{{run}}</script></svg>', '<a href="javascript:{{run}}">x</a>', '<iframe srcdoc="<script>parent.{{run}}</script>">',
	'<iframe src="{{url}}"></iframe>', '<img src="{{url}}">', '<p style="background:url({{url}})">x</p>',
	'<style>*{background:url({{url}})}</style>', '<link rel=stylesheet href="{{url}}">',
	'<details open ontoggle={{run}}>x</details>', '<input autofocus onfocus={{run}}>', '<video poster="{{url}}"></video>',
	'<body onload={{run}} background="{{url}}">', '<form><button formaction="javascript:{{run}}">x</button></form>'];

const WRAPPINGS = ['<b>x</b>@', '<div>@</div>', '<p>@', '<pre>{{0a}}@</pre>', '<table>@</table>', '<table><tr>@<td>x</table>',
	'<table><tr><td>@</table>', '<table><caption>@', '<ul>@<li>x</ul>', '<a href="http://a.test/">@</a>', '<b><i><u>@</b></i></u>',
	'<font face=x><p>@</font>', '<h1>@</h1>', '<form>@</form>', '<button>@</button>', '<select>@</select>', '<object>@</object>',
	'<svg>@</svg>', '<svg><foreignObject>@</foreignObject></svg>', '<svg><title>@</title></svg>', '<math>@</math>',
	'<math><mtext>@</mtext></math>', '<math><annotation-xml encoding="text/html">@</annotation-xml></math>', '<template>@</template>',
	'<noscript>@</noscript>', '<style>@</style>@', '<title>@</title>@', '<textarea>@</textarea>@', '<xmp>@</xmp>@', '<!--@-->@',
	'<!-->@', '<![CDATA[@]]>@', '<![if x]>@<![endif]>', '<?x ?>@', '<!DOCTYPE x [@]>@', '</p></div></body></html>@',
	'<html><head>@</head><body>@', '<b title="@">x</b>', "<b title='@'>x</b>", '<b title=`@`>x</b>', '<img alt="@" src=cid:x>',
	'<b title="x>@<b title="y">z</b>', '&lt;@', '&lt;b title=&quot;@', '<{{00}}b>@', '<unknown>@</unknown>', '<x:y xmlns:x=z>@</x:y>',
	'<marquee>@</marquee>', '<details open><summary>@</summary>@</details>', '<ruby><rt>@</ruby>', '<{{0c}}p>@', '{{ef}}{{bb}}{{bf}}@',
	'<p {{c3}}>@', '<details><template shadowrootmode=open>@</template></details>'];

function* made() {
	for (const element of ELEMENTS)
		yield { group: 'every element', name: element,
			text: `<${element} id=x class=x name=x style="background:url({{url}})" src=x href="javascript:{{run}}" data=x ` +
				`tabindex=1 autofocus open onfocus={{run}} onload={{run}} onerror={{run}} ontoggle={{run}} onclick={{run}}>x</${element}>y` };
	for (const event of EVENTS) {
		yield { group: 'every event', name: event, text: `<p on${event}={{run}}>x</p><img src=x ON${event.toUpperCase()}="{{run}}">` };
		yield { group: 'every event', name: `${event} of body`, text: `<body on${event}={{run}}><svg on${event}={{run}}></svg>` };
	}
	for (const place of PLACES) {
		const [element, attribute] = place.split(' ');
		for (const address of ADDRESSES) {
			yield { group: 'every place of an address', name: `${place} ${address}`,
				text: `<${element} rel=stylesheet http-equiv=refresh autoplay ${attribute}="${address}">x</${element}>` };
		}
	}
	for (const outer of RAW) {
		const end = outer.startsWith('!--') ? '-->' : outer.startsWith('![') ? ']]>' : /^[!?]/.test(outer) ? '>' : `</${outer.split('><').pop()}>`;
		for (const inner of RAW)
			yield { group: 'one in another', name: `${inner} in ${outer}`,
				text: `<${outer}><${inner}><b title="${end}<img src=x onerror={{run}}>">x</b>${end}<img src="{{url}}">` };
	}
	for (const wrapping of WRAPPINGS) {
		for (const payload of PAYLOADS)
			yield { group: 'wrapped', name: `${payload} in ${wrapping}`, text: wrapping.replaceAll('@', () => payload) };
	}
}

// All cases: id, group, name, refused, input (bytes), written (by hand; those
// come first).
export function cases() {
	const all = [];
	for (const one of [...written(), ...made()])
		all.push({ ...one, id: all.length, input: expand(one.text, all.length) });
	return all;
}

// sanitize: what the program makes of these bytes: { status, output }.
export function sanitize(program, inputs) {
	const records = inputs.flatMap(input => [Buffer.from(`${input.length}\n`), input]);
	const ran = spawnSync(program, { input: Buffer.concat(records), maxBuffer: 1 << 30, timeout: 60000 });
	const results = [];
	if (ran.status !== 0)
		throw new Error(`${program}: ${ran.error ?? ran.signal ?? ran.status} ${ran.stderr}`);
	for (let at = 0; at < ran.stdout.length;) {
		const end = ran.stdout.indexOf(10, at);
		const [status, length] = ran.stdout.toString('latin1', at, end).split(' ').map(Number);
		results.push({ status, output: ran.stdout.subarray(end + 1, end + 1 + length) });
		at = end + 1 + length;
	}
	if (results.length !== inputs.length)
		throw new Error(`${program}: ${results.length} answers to ${inputs.length}`);
	return results;
}

// TAP, as far as it goes here.
export const tap = {
	count: 0,
	failed: 0,
	ok(passed, name, notes = []) {
		this.count++;
		this.failed += passed ? 0 : 1;
		console.log(`${passed ? '' : 'not '}ok ${this.count} - ${name.replace(/[#\\]/g, '_').replace(/[^ -~]/g, '?')}`);
		if (!passed) {
			for (const note of notes.slice(0, 20))
				console.log(`#   ${String(note).replace(/[^ -~]/g, '?').slice(0, 400)}`);
		}
		return passed;
	},
	diag(text) {
		console.log(`# ${text}`);
	},
	done() {
		console.log(`1..${this.count}`);
		process.exitCode = this.failed > 0 ? 1 : 0;
	},
};
