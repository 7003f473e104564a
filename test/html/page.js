// page.js: what the page of the trap does with the cases.

const pause = time => new Promise(resolve => setTimeout(resolve, time));

// What a form's fields cannot stand before.
const attributesOf = element => Object.getOwnPropertyDescriptor(Element.prototype, 'attributes').get.call(element);
const matches = (element, pattern) => Element.prototype.matches.call(element, pattern);
const send = (element, event) => EventTarget.prototype.dispatchEvent.call(element, event);

// provoke does what a reader might: every handler there is gets its event, and
// what is no link to elsewhere gets a click.
function provoke(page) {
	for (const element of [...page.querySelectorAll('*')].slice(0, 2000)) {
		for (const { name } of [...attributesOf(element)]) {
			if (/^on/i.test(name))
				send(element, new Event(name.slice(2).toLowerCase()));
		}
		if (matches(element, 'a, area') ? element.hasAttribute('href') && !/^(https?|mailto|tel):$/.test(element.protocol) :
			matches(element, 'button, input, summary, option, label, svg *, math *'))
			send(element, new MouseEvent('click', { bubbles: true, cancelable: true }));
	}
}

// examine: what a browser made of a result: null, or what is wrong with it.
function examine(box, html, rules) {
	for (const element of box.querySelectorAll('*')) {
		const names = [...element.attributes].map(attr => attr.name);
		const wrong = rules.wrongElement(element.namespaceURI, element.localName, names);
		if (wrong)
			return wrong;
		for (const { name, value } of element.attributes) {
			const worse = rules.wrongAttribute(element.localName, name, value);
			if (worse)
				return worse;
		}
		if (element.shadowRoot)
			return 'a shadow';
		if (element.localName === 'a' && !/^(https?|mailto|tel):$/.test(element.protocol) && /^https?:/.test(element.getAttribute('href')) === false)
			return `a link to ${element.protocol}`;
	}
	const strange = document.createTreeWalker(box, NodeFilter.SHOW_ALL & ~NodeFilter.SHOW_ELEMENT & ~NodeFilter.SHOW_TEXT).nextNode();
	if (strange)
		return `a ${strange.nodeName}`;
	// The same within another document, and written and read again; the first
	// new line of a <pre> is not read.
	const again = document.implementation.createHTMLDocument('').createElement('div');
	again.innerHTML = box.innerHTML.replace(/<pre>(?=\n)/g, '<pre>\n');
	if (!again.isEqualNode(box))
		return 'changes when written and read again';
	return null;
}

// insert: in a frame: each of some cases by innerHTML, in a box of its own.
async function insert(set, from, count, rules) {
	const problems = [];
	let done = 0;
	const all = await (await fetch(`/cases/${set}/${from}/${count}`)).json();
	for (const { id, html } of all) {
		const box = document.createElement('div');
		document.body.append(box);
		box.innerHTML = html;
		if (rules) {
			const wrong = examine(box, html, rules);
			if (wrong)
				problems.push([id, wrong]);
		}
		done++;
	}
	await pause(30);
	provoke(document);
	return { done, problems };
}

// frame: opens an address in a frame, and says when it is there.
function frame(address, free) {
	const element = document.createElement('iframe');
	// What is not sanitised might leave with the whole page.
	if (!free)
		element.sandbox = 'allow-scripts allow-same-origin allow-forms allow-popups allow-modals';
	element.src = address;
	element.width = 300;
	element.height = 200;
	const here = new Promise(resolve => element.onload = () => resolve(true));
	document.body.append(element);
	// What is not sanitised may never come to rest.
	return { element, here: Promise.race([here, pause(free ? 10000 : 700)]) };
}

// play: all cases of a set, both ways, so many frames at once.  Those that were
// written by hand are opened one by one; of those that were made, the results
// are opened in groups.  Of the control a part will do.
async function play(set, numbers, written) {
	const clean = set === 'clean';
	const told = { inserted: 0, opened: 0, problems: [] };
	const waiting = [];

	const parts = (what, from, to, size, skip = 1) => {
		for (; from < to; from += size * skip)
			waiting.push([what, from, Math.min(size, to - from)]);
	};
	if (clean) {
		parts('static', 0, written, 1);
		parts('static', written, numbers, 20);
		parts('insert', 0, numbers, 40);
	}
	else {
		parts('static', 0, written, 1, 2);
		parts('insert', 0, written, 8);
		parts('insert', written, numbers, 8, 4);
	}

	const show = async ([what, from, count]) => {
		const { element, here } = frame(`/${what}/${set}/${from}/${count}`, clean);
		const there = await here === true;
		if (what === 'insert') {
			const state = await Promise.race([element.contentWindow?.inserted, pause(clean ? 10000 : 2000)]);
			if (state) {
				told.inserted += state.done;
				told.problems.push(...state.problems);
			}
		}
		else if (there && element.contentDocument !== null && element.contentWindow.location.pathname.startsWith('/static/')) {
			told.opened += count;
			provoke(element.contentDocument);
		}
		// what takes its time
		await pause(100);
		element.remove();
	};
	await Promise.all(Array.from({ length: 24 }, async () => {
		while (waiting.length > 0)
			await show(waiting.shift());
	}));
	await pause(500);
	return told;
}
