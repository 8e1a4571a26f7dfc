/**
 * The board: what each channel delivers, and how far behind it is.
 *
 * @import {Channel, Position} from '../client/snapshot.js'
 * @import {ChannelTally, Lamp, Tally} from './tally.js'
 */

import { VERDICTS } from '../client/reconcile.js';
import { CHANNELS, positionText } from '../client/snapshot.js';
import { element, play, setText } from './dom.js';

/** @type {Record<Channel, [name: string, road: string]>} */
const NAMES = {
  ws: ['WebSocket', 'push'],
  sse: ['SSE', 'push over HTTP'],
  poll: ['Poll', 'conditional GET'],
  sei: ['SEI', 'inside the video'],
};
const LAMP_WORDS = { idle: 'Idle', live: 'Live', behind: 'Behind', down: 'Down' };
/** The bar is logarithmic: from 1 ms, empty, to this, full. */
const LONGEST_LAG_MS = 30_000;
const PULSE = [
  { transform: 'scale(1.9)', opacity: 0.2 },
  { transform: 'scale(1)', opacity: 1 },
];

export class BoardView {
  /** @type {ChannelRow[]} */
  #rows;
  #newest;

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} newest
   */
  constructor(list, newest) {
    this.#rows = CHANNELS.map((channel) => new ChannelRow(channel));
    this.#newest = newest;
    list.replaceChildren(...this.#rows.map((row) => row.node));
  }

  /** @param {Tally} tally */
  show(tally) {
    setText(this.#newest, tally.newest === null ? '–' : `v${tally.newest.version}`);
    for (const row of this.#rows) row.show(tally.channels[row.channel], tally.newest);
  }
}

class ChannelRow {
  node = element('li', 'channel');
  #lamp = element('span', 'lamp');
  #state = element('span', 'state');
  #words = element('span', 'words');
  #version = element('span', 'version', '–');
  #lag = element('span', 'lag', '–');
  #bar = element('span', 'bar');
  #counts = VERDICTS.map((verdict) => ({
    verdict,
    box: element('div'),
    number: element('dd', '', '0'),
  }));

  /** @param {Channel} channel */
  constructor(channel) {
    this.channel = channel;
    this.node.dataset.channel = channel;
    const [name, road] = NAMES[channel];
    this.#lamp.setAttribute('aria-hidden', 'true');
    this.#bar.setAttribute('aria-hidden', 'true');
    const title = element('h3', '', name, element('span', 'road', road));
    const about = element('p', 'status', this.#state, this.#words);
    const numbers = element('p', 'numbers', this.#version, this.#lag);
    this.node.append(this.#lamp, element('div', 'about', title, about), numbers, this.#bar);
    this.node.append(this.#countList());
  }

  /**
   * @param {ChannelTally} tally
   * @param {Position | null} newest
   */
  show(tally, newest) {
    const lamp = tally.lamp(newest);
    this.node.dataset.state = lamp;
    setText(this.#state, LAMP_WORDS[lamp]);
    setText(this.#words, wordsOf(tally, lamp, newest));
    this.#showPosition(tally.last);
    this.#showLag(tally.lagMs);
    for (const { verdict, number, box } of this.#counts) {
      setText(number, String(tally.counts[verdict]));
      box.classList.toggle('zero', tally.counts[verdict] === 0);
      box.hidden = verdict === 'untrusted' && tally.counts[verdict] === 0;
    }
  }

  /** @param {Position | null} last */
  #showPosition(last) {
    if (last === null) {
      delete this.node.dataset.version;
      delete this.node.dataset.epoch;
      setText(this.#version, '–');
      return;
    }
    const isNew = this.node.dataset.version !== String(last.version);
    this.node.dataset.version = String(last.version);
    this.node.dataset.epoch = String(last.epoch);
    setText(this.#version, `v${last.version}`);
    this.#version.title = `Epoch ${last.epoch}, position ${positionText(last)}`;
    if (isNew) play(this.#lamp, PULSE, 500);
  }

  /** @param {number | null} lagMs */
  #showLag(lagMs) {
    setText(this.#lag, lagMs === null ? '–' : lagText(lagMs));
    this.#lag.title =
      lagMs === null
        ? 'No change delivered since it connected'
        : 'From the commit on the server to its arrival here, by this machine’s clock';
    const share = Math.log(Math.max(lagMs ?? 0, 1)) / Math.log(LONGEST_LAG_MS);
    this.#bar.style.setProperty('--share', String(Math.min(share, 1)));
  }

  #countList() {
    const list = element('dl', 'counts');
    for (const { verdict, box, number } of this.#counts) {
      box.append(element('dt', '', verdict), number);
      list.append(box);
    }
    return list;
  }
}

/**
 * @param {ChannelTally} tally
 * @param {Lamp} lamp
 * @param {Position | null} newest
 */
function wordsOf(tally, lamp, newest) {
  if (lamp !== 'behind' || tally.last === null || newest === null) return tally.status.words;
  if (newest.epoch !== tally.last.epoch) return 'an epoch behind';
  const count = newest.version - tally.last.version;
  return count === 1 ? '1 version behind' : `${count} versions behind`;
}

/** @param {number} lagMs */
function lagText(lagMs) {
  return Math.abs(lagMs) < 10_000 ? `${Math.round(lagMs)} ms` : `${(lagMs / 1000).toFixed(1)} s`;
}
