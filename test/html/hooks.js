// hooks.js: runs in every document before anything of its own: makes it tell
// (trap() is a binding of the DevTools) when something of it runs.
(() => {
	const tell = window.trap;
	window.ran = id => tell(`ran ${id}`);
	for (const name of ['alert', 'confirm', 'prompt', 'print', 'open'])
		window[name] = () => tell(`called ${name}`);
	const evaluate = window.eval;
	window.eval = text => {
		tell('called eval');
		return evaluate(text);
	};
	addEventListener('error', event => {
		// not of images that are not there: of scripts
		if (event instanceof ErrorEvent)
			tell(`error ${event.message}`);
	}, true);
	addEventListener('securitypolicyviolation', event => tell(`policy ${event.effectiveDirective} ${event.blockedURI}`), true);
})();
