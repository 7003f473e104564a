// rules.mjs: what HTML may be shown, written again from the design: an
// element that is not here, an attribute that is not here for that element, or
// a value that is not of the shape given here, is a fault, whatever the lists
// of src/core say.  Nothing here comes from there.

const number = /^\d{1,5}$/;
const length = /^\d{1,5}%?$/;
const colour = /^(#[0-9a-f]{3}|#[0-9a-f]{6}|[a-z]{1,25})$/i;
const align = /^(left|right|center|justify|char|top|middle|bottom|absmiddle|baseline|texttop|absbottom)$/;
const valign = /^(top|middle|bottom|baseline)$/;
const words = /^[^\n\t]{0,1000}$/su;
const moment = /^[0-9A-Z:.,+ -]{1,40}$/;
const size = /^[+-]?\d{1,5}$/;
const flag = /^$/;

const ANYWHERE = { dir: /^(ltr|rtl|auto)$/, lang: /^[a-z0-9-]{1,35}$/i, title: words };

const cell = { align, bgcolor: colour, colspan: number, height: length, rowspan: number, valign, width: length };
const column = { align, span: number, valign, width: length };
const part = { align, valign };

export const ELEMENTS = {
	a: { href: null, rel: /^noopener noreferrer nofollow$/, target: /^_blank$/ },
	abbr: {}, acronym: {}, address: {}, b: {}, bdi: {}, bdo: {}, br: {}, center: {}, cite: {}, code: {}, dd: {},
	blockquote: { type: /^cite$/ },
	caption: { align },
	col: column,
	colgroup: column,
	del: { datetime: moment },
	details: { open: flag },
	dfn: {},
	div: { align },
	dl: {}, dt: {}, em: {}, figcaption: {}, figure: {},
	font: { color: colour, face: /^[a-z0-9 ,-]{1,200}$/i, size },
	h1: { align }, h2: { align }, h3: { align }, h4: { align }, h5: { align }, h6: { align },
	hr: { align, width: length },
	i: {},
	img: { align, alt: words, border: number, 'data-remote-src': null, height: length, src: null, width: length },
	ins: { datetime: moment },
	kbd: {},
	li: { type: /^(1|a|A|i|I|disc|circle|square)$/, value: size },
	ol: { reversed: flag, start: size, type: /^(1|a|A|i|I|disc|circle|square)$/ },
	p: { align },
	pre: {}, q: {}, rp: {}, rt: {}, ruby: {}, s: {}, samp: {}, small: {}, span: {}, strong: {}, sub: {}, summary: {}, sup: {},
	table: { align, bgcolor: colour, border: number, cellpadding: length, cellspacing: length, height: length, width: length },
	tbody: part,
	td: cell,
	tfoot: part,
	th: { ...cell, scope: /^(row|col|rowgroup|colgroup)$/ },
	thead: part,
	time: { datetime: moment },
	tr: { align, bgcolor: colour, height: length, valign },
	tt: {}, u: {},
	ul: { type: /^(1|a|A|i|I|disc|circle|square)$/ },
	var: {}, wbr: {},
};

const ADDRESSES = {
	href: /^(https?:\/\/[^\s\\/?#]|mailto:.|tel:[0-9+])/,
	src: /^(cid:[^<>"'`\\]+|data:image\/(png|gif|jpeg);base64,[A-Za-z0-9+/]+={0,2})$/,
	'data-remote-src': /^https?:\/\/[^\s\\/?#]/,
};
// What none of them may have: white space, controls, and what is not seen.
const UNSEEN = /[\s\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\p{Cs}]/u;

// What the address is to a reader of addresses, not to a pattern of ours.
const SCHEMES = { href: ['http:', 'https:', 'mailto:', 'tel:'], src: ['cid:', 'data:'], 'data-remote-src': ['http:', 'https:'] };

// wrongAttribute: null, or what is wrong with an attribute of an element.
export function wrongAttribute(element, name, value) {
	const rules = ELEMENTS[element];

	if (!Object.hasOwn(rules, name) && !Object.hasOwn(ANYWHERE, name))
		return `attribute ${name} on ${element}`;
	if (/[\0\x01-\x08\x0b-\x1f\x7f-\x9f]/.test(value))
		return `a control in ${name} of ${element}`;
	const pattern = rules[name] ?? ANYWHERE[name] ?? ADDRESSES[name];
	if (!pattern.test(value))
		return `${name}="${value.slice(0, 100)}" on ${element}`;
	if (!Object.hasOwn(ADDRESSES, name))
		return null;
	if (UNSEEN.test(value))
		return `something unseen in ${name}="${value.slice(0, 100)}"`;
	let scheme;
	try {
		scheme = new URL(value, 'nobase://x/').protocol;
	} catch {
		// No browser follows what is no address.
		scheme = /^[a-z]+:/.exec(value)?.[0];
	}
	return SCHEMES[name].includes(scheme) ? null : `${name} leads to ${scheme}: ${value.slice(0, 100)}`;
}

// wrongElement: null, or what is wrong with an element as a whole.
export function wrongElement(namespace, element, names) {
	if (namespace !== 'http://www.w3.org/1999/xhtml')
		return `${element} of ${namespace}`;
	if (!Object.hasOwn(ELEMENTS, element))
		return `element ${element}`;
	if (element === 'a' && !['href', 'rel', 'target'].every(name => names.includes(name)))
		return 'a link without href, rel and target';
	if (element === 'img' && !['src', 'data-remote-src', 'alt'].some(name => names.includes(name)))
		return 'an image of nothing';
	return null;
}
