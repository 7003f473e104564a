// chromium.mjs: a headless Chromium, spoken to in its DevTools protocol over a
// pipe (its descriptors 3 and 4), so that no port and no library is needed.
//
// Debian's chromium-headless-shell is the same browser without its windows, and
// takes two thirds of the time; CHROMIUM names another one.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Chromium {
	#next = 1;
	#waiting = new Map();
	#rest = Buffer.alloc(0);

	// Every name and address in the world is the port given.
	constructor(port, onEvent) {
		this.folder = mkdtempSync(join(tmpdir(), 'ar_inbox_html.'));
		this.said = '';
		this.process = spawn(process.env.CHROMIUM || 'chromium-headless-shell', [
			'--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-pipe',
			`--user-data-dir=${this.folder}/profile`, `--disk-cache-dir=${this.folder}/cache`,
			`--host-resolver-rules=MAP * 127.0.0.1:${port}`, '--proxy-server=direct://',
			'--no-first-run', '--no-default-browser-check', '--disable-background-networking', '--disable-component-update',
			'--disable-default-apps', '--disable-extensions', '--disable-sync', '--disable-domain-reliability',
			'--disable-client-side-phishing-detection', '--disable-breakpad', '--metrics-recording-only', '--mute-audio',
			'--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows',
			'--disable-site-isolation-trials', '--autoplay-policy=no-user-gesture-required',
			'--disable-features=IsolateOrigins,site-per-process,HttpsUpgrades,OptimizationHints,MediaRouter,Translate,' +
				'AutofillServerCommunication,PrivateNetworkAccessChecks,LocalNetworkAccessChecks',
			'about:blank',
		], {
			detached: true,
			env: { ...process.env, HOME: this.folder, XDG_CONFIG_HOME: this.folder, XDG_CACHE_HOME: this.folder, DBUS_SESSION_BUS_ADDRESS: 'disabled:' },
			stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
		});
		this.ended = new Promise(resolve => {
			this.process.on('error', error => {
				this.said += error;
				resolve();
			});
			this.process.on('exit', resolve);
		});
		this.process.stderr.on('data', data => this.said = (this.said + data).slice(-4000));
		this.process.stdio[3].on('error', () => {});
		this.process.stdio[4].on('data', data => this.#read(data, onEvent));
		this.ended.then(() => {
			for (const { reject } of this.#waiting.values())
				reject(new Error(`chromium ended: ${this.said}`));
			this.#waiting.clear();
		});
	}

	#read(data, onEvent) {
		this.#rest = Buffer.concat([this.#rest, data]);
		for (let end; (end = this.#rest.indexOf(0)) >= 0; this.#rest = this.#rest.subarray(end + 1)) {
			const message = JSON.parse(this.#rest.toString('utf8', 0, end));
			const asked = this.#waiting.get(message.id);
			if (!asked)
				onEvent(message.method, message.params, message.sessionId);
			else if (message.error)
				asked.reject(new Error(`${asked.method}: ${message.error.message}`));
			else
				asked.resolve(message.result);
			this.#waiting.delete(message.id);
		}
	}

	send(method, params = {}, sessionId = undefined) {
		const id = this.#next++;
		return new Promise((resolve, reject) => {
			this.#waiting.set(id, { method, resolve, reject });
			this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
		});
	}

	async close() {
		const patience = setTimeout(() => this.kill(), 5000);
		await this.send('Browser.close').catch(() => {});
		await this.ended;
		clearTimeout(patience);
		this.kill();
	}

	// All of it: it is a group of processes of its own; and what it wrote.
	kill() {
		try {
			process.kill(-this.process.pid, 'SIGKILL');
		} catch {
			// gone already
		}
		rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
	}
}
