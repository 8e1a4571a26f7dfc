/**
 * The words around the seats: session, position, what you may do.
 *
 * @import {State} from '../client/state.js'
 * @import {Position} from '../client/snapshot.js'
 *
 * @typedef {object} You
 * @property {string | null} userId
 * @property {string} nickname
 * @property {boolean} mayChoose whether this server has users to choose from
 */

import { positionText } from '../client/snapshot.js';
import { seatOf } from '../client/state.js';
import { byId, element, setText } from './dom.js';
import { icon } from './icons.js';

/** @type {Record<string, string>} */
const MODE_WORDS = {
  free: 'free seating',
  apply: 'seats on request',
  invite: 'seats by invitation',
};

export class SessionView {
  #room;
  #session = byId('session', HTMLElement);
  #stage = byId('stage', HTMLElement);
  #dock = byId('dock', HTMLElement);
  #position = byId('position', HTMLElement);
  #chip = byId('position-chip', HTMLElement);
  #seating = byId('seating', HTMLElement);
  #empty = byId('empty', HTMLElement);
  #emptyTitle = byId('empty-title', HTMLElement);
  #emptyWords = byId('empty-words', HTMLElement);
  #again = byId('again', HTMLButtonElement);
  #self = byId('self', HTMLElement);
  #mic = byId('mic', HTMLButtonElement);
  #leave = byId('leave', HTMLButtonElement);
  #words = 'Connecting';

  /**
   * @param {string} room
   * @param {{onMic: (on: boolean) => void, onLeave: () => void, onAgain: () => void}} actions
   */
  constructor(room, { onMic, onLeave, onAgain }) {
    this.#room = room;
    setText(byId('room-name', HTMLElement), room);
    document.title = `${room} · seatsync`;
    this.#mic.addEventListener('click', () => onMic(this.#mic.dataset.on !== 'true'));
    this.#leave.addEventListener('click', onLeave);
    this.#again.addEventListener('click', onAgain);
  }

  /**
   * @param {State} state
   * @param {Position} position
   * @param {You} you
   */
  show(state, position, you) {
    this.#chip.hidden = this.#dock.hidden = false;
    setText(this.#position, positionText(position));
    document.title = `${this.#room} · v${position.version} · seatsync`;
    this.#seating.hidden = !state.isLive;
    if (!state.isLive) {
      this.showEmpty('No live session', 'The seats appear here when a session starts.');
    } else {
      this.#empty.hidden = true;
      const mode = MODE_WORDS[state.seatMode] ?? state.seatMode;
      this.#words = `Live ${state.kind} session · ${mode}`;
    }
    this.#session.classList.toggle('is-live', state.isLive);
    this.#showWords();
    this.#showSelf(state, you);
  }

  /**
   * Shows words in the place of the seats.
   *
   * @param {string} title
   * @param {string} words
   * @param {{mayTryAgain?: boolean}} [options]
   */
  showEmpty(title, words, { mayTryAgain = false } = {}) {
    this.#seating.hidden = true;
    this.#empty.hidden = false;
    this.#again.hidden = !mayTryAgain;
    this.#words = '';
    this.#showWords();
    setText(this.#emptyTitle, title);
    setText(this.#emptyWords, words);
  }

  /** Says that there is no such room, in the place of everything. */
  showMissing() {
    this.showEmpty(`There is no room “${this.#room}”`, 'Look at the address again.', {
      mayTryAgain: true,
    });
    this.#chip.hidden = this.#dock.hidden = true;
  }

  /**
   * Says whether what is shown is known to be current.
   *
   * @param {boolean} isConnected whether any channel is live
   */
  showConnection(isConnected) {
    this.#stage.classList.toggle('stale', !isConnected);
    this.#showWords();
  }

  #showWords() {
    const isStale = this.#stage.classList.contains('stale');
    setText(this.#session, isStale ? 'Not connected · the last known state' : this.#words);
  }

  /**
   * @param {State} state
   * @param {You} you
   */
  #showSelf(state, you) {
    const seat = seatOf(state, you.userId);
    const occupant = seat?.occupant;
    setText(this.#self, selfWords(state, you, seat?.index));
    this.#mic.hidden = this.#leave.hidden = occupant == null;
    if (occupant == null || this.#mic.dataset.on === String(occupant.micOn)) return;
    this.#mic.dataset.on = String(occupant.micOn);
    const words = occupant.micOn ? 'Turn mic off' : 'Turn mic on';
    this.#mic.replaceChildren(icon(occupant.micOn ? 'mic' : 'mic-off'), element('span', '', words));
  }
}

/**
 * @param {State} state
 * @param {You} you
 * @param {number | undefined} seatIndex
 */
function selfWords(state, { userId, nickname, mayChoose }, seatIndex) {
  if (userId === null) {
    return mayChoose
      ? 'You are watching anonymously. Choose who you are to take a seat.'
      : 'You are watching anonymously.';
  }
  if (!state.isLive) return `You are here as ${nickname}.`;
  if (seatIndex === undefined) return `You are here as ${nickname}. Take a free seat to speak.`;
  return seatIndex === state.ownerSeat
    ? `You are the host, ${nickname}.`
    : `You are on seat ${seatIndex}, ${nickname}.`;
}
