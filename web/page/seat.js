/**
 * One seat on the page.
 *
 * @import {Occupant, Seat} from '../client/state.js'
 * @import {IconName} from './icons.js'
 *
 * @typedef {object} SeatContext
 * @property {boolean} isHost
 * @property {string | null} userId who acts
 * @property {'Take' | 'Move' | null} offer what the acting user may do with it when it is empty
 *
 * @typedef {{icon: IconName, tone: string, words: string, place?: string}} Mark
 */

import { hueOf, initialOf } from './avatar.js';
import { element, play, setText } from './dom.js';
import { icon } from './icons.js';

const ARRIVE = [
  { transform: 'scale(.82)', opacity: 0.3 },
  { transform: 'scale(1.04)', opacity: 1, offset: 0.7 },
  { transform: 'scale(1)' },
];

export class SeatView {
  node = element('li', 'seat');
  #disc = element('span', 'disc');
  #letter = element('span', 'letter');
  #name = element('span', 'name');
  #note = element('span', 'note');
  #take = element('button', 'take');
  #number;
  #shownMarks = '';

  /**
   * @param {number} index
   * @param {() => void} onTake
   */
  constructor(index, onTake) {
    this.#number = index === 0 ? 'Host' : String(index);
    this.node.dataset.seat = String(index);
    this.#take.type = 'button';
    this.#take.addEventListener('click', onTake);
    this.#disc.append(this.#letter);
    this.#disc.setAttribute('aria-hidden', 'true');
    this.node.append(this.#disc, this.#name, this.#note, this.#take);
  }

  /**
   * @param {Seat} seat
   * @param {SeatContext} context
   */
  show(seat, context) {
    const { occupant } = seat;
    const marks = occupant ? occupantMarks(occupant, seat) : seatMarks(seat);
    this.#showOccupant(occupant, seat, context);
    this.#showMarks(marks);
    this.#showOffer(occupant === null ? context.offer : null);
    const who = occupant ? occupant.nickname : 'empty';
    const words = marks.map((mark) => mark.words);
    this.node.setAttribute('aria-label', [`${this.#title()}: ${who}`, ...words].join(', '));
  }

  #title() {
    return this.#number === 'Host' ? 'Host seat' : `Seat ${this.#number}`;
  }

  /**
   * @param {Occupant | null} occupant
   * @param {Seat} seat
   * @param {SeatContext} context
   */
  #showOccupant(occupant, seat, { isHost, userId }) {
    const key = occupant ? (occupant.userId ?? occupant.nickname) : '';
    const isNew = occupant !== null && this.node.dataset.user !== occupant.nickname;
    this.node.dataset.state = occupant ? 'occupied' : seat.locked ? 'locked' : 'empty';
    this.node.classList.toggle('self', userId !== null && occupant?.userId === userId);
    this.node.classList.toggle('speaks', occupant ? isAudible(occupant, seat) : false);
    this.node.classList.toggle('away', occupant?.link === 'lost');
    if (occupant) {
      this.node.dataset.user = occupant.nickname;
      this.#disc.style.setProperty('--hue', String(hueOf(key)));
    } else {
      delete this.node.dataset.user;
    }
    setText(this.#letter, occupant ? initialOf(occupant) : isHost ? 'H' : this.#number);
    setText(this.#name, occupant ? occupant.nickname : emptyName(seat, isHost));
    setText(this.#note, occupant ? noteOf(occupant, isHost, userId) : '');
    if (isNew) play(this.#disc, ARRIVE, 320);
  }

  /** @param {Mark[]} marks */
  #showMarks(marks) {
    const shown = marks.map(({ icon: name, tone }) => `${name}/${tone}`).join();
    if (shown === this.#shownMarks) return;
    this.#shownMarks = shown;
    const nodes = marks.map(({ icon: name, tone, words, place = '' }) => {
      const mark = element('span', `mark ${tone} ${place}`, icon(name));
      mark.title = words;
      return mark;
    });
    this.#disc.replaceChildren(this.#letter, ...nodes);
  }

  /** @param {'Take' | 'Move' | null} offer */
  #showOffer(offer) {
    this.#take.hidden = offer === null;
    if (offer === null) return;
    setText(this.#take, offer === 'Take' ? 'Take' : 'Move');
    const seat = this.#number === 'Host' ? 'the host seat' : `seat ${this.#number}`;
    this.#take.setAttribute('aria-label', offer === 'Take' ? `Take ${seat}` : `Move to ${seat}`);
  }
}

/**
 * @param {Occupant} occupant
 * @param {Seat} seat
 */
function isAudible(occupant, seat) {
  return occupant.micOn && !occupant.muted && !seat.audioLocked;
}

/**
 * @param {Occupant} occupant
 * @param {Seat} seat
 * @returns {Mark[]}
 */
function occupantMarks(occupant, seat) {
  /** @type {Mark[]} */
  const marks = [micMark(occupant, seat)];
  if (seat.locked) {
    marks.push({ icon: 'lock', tone: 'calm', words: 'seat locked', place: 'at-left' });
  }
  if (occupant.link === 'weak') {
    marks.push({ icon: 'link', tone: 'amber', words: 'weak link', place: 'at-top' });
  }
  if (occupant.link === 'lost') {
    marks.push({ icon: 'link-lost', tone: 'red', words: 'link lost', place: 'at-top' });
  }
  return marks;
}

/**
 * @param {Occupant} occupant
 * @param {Seat} seat
 * @returns {Mark}
 */
function micMark(occupant, seat) {
  if (occupant.muted) return { icon: 'mic-off', tone: 'red', words: 'muted by an admin' };
  if (seat.audioLocked) return { icon: 'mic-off', tone: 'red', words: 'seat muted by an admin' };
  if (occupant.micOn) return { icon: 'mic', tone: 'green', words: 'microphone on' };
  return { icon: 'mic-off', tone: 'calm', words: 'microphone off' };
}

/**
 * @param {Seat} seat
 * @returns {Mark[]}
 */
function seatMarks(seat) {
  /** @type {Mark[]} */
  const marks = [];
  if (seat.locked) marks.push({ icon: 'lock', tone: 'calm', words: 'locked' });
  if (seat.audioLocked) {
    const place = seat.locked ? 'at-left' : '';
    marks.push({ icon: 'mic-off', tone: 'red', words: 'muted by an admin', place });
  }
  return marks;
}

/**
 * @param {Seat} seat
 * @param {boolean} isHost
 */
function emptyName(seat, isHost) {
  if (seat.locked) return 'Locked';
  return isHost ? 'Host is away' : 'Free';
}

/**
 * @param {Occupant} occupant
 * @param {boolean} isHost
 * @param {string | null} userId
 */
function noteOf(occupant, isHost, userId) {
  if (userId !== null && occupant.userId === userId) return 'You';
  if (occupant.link === 'lost') return 'Link lost';
  if (isHost || occupant.role === 'owner') return 'Host';
  return occupant.role === 'admin' ? 'Admin' : '';
}
