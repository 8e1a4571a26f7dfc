/**
 * The room page: follows one room by all four channels and lets one user act.
 *
 * @import {Arrival, Status} from '../client/source.js'
 * @import {Channel, Position} from '../client/snapshot.js'
 * @import {State} from '../client/state.js'
 * @import {Verdict} from '../client/reconcile.js'
 */

import { problemOf } from '../client/problem.js';
import { Reconciler, shows } from '../client/reconcile.js';
import { RoomReader } from '../client/room.js';
import { CHANNELS } from '../client/snapshot.js';
import { readState, seatOf } from '../client/state.js';
import { BoardView } from './board.js';
import { expiryMsOf, fetchDemoToken, fetchDemoUsers } from './demo.js';
import { byId, setText } from './dom.js';
import { SeatsView } from './seats.js';
import { SessionView } from './session.js';
import { Tally } from './tally.js';
import { UserPicker } from './users.js';
import { wordsFor } from './words.js';

const ROOM_NAME = /^[A-Za-z0-9_-]{1,64}$/;
const RENEW_BEFORE_EXPIRY_MS = 60_000;
const SHORTEST_RENEWAL_MS = 30_000;
const SIGN_IN_AGAIN_MS = 10_000;
/** `setTimeout` takes 31 bits and fires at once beyond. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** How a source ends when its token is no longer good. */
const EXPIRED = new Set(['UNAUTHENTICATED', 'CLOSED_4500']);
const NOTICE_MS = 8_000;

class RoomPage {
  #room;
  #notice = byId('notice', HTMLElement);
  #picker = new UserPicker(byId('user', HTMLSelectElement), () => this.follow());
  #board = new BoardView(byId('channels', HTMLElement), byId('newest', HTMLElement));
  #seats = new SeatsView(byId('host', HTMLElement), byId('seats', HTMLElement), (index) =>
    this.#take(index),
  );
  #session;
  #tally = new Tally();
  #reconciler = new Reconciler();
  #following = new AbortController();
  /** @type {RoomReader | null} */
  #reader = null;
  /** @type {{state: State, position: Position} | null} */
  #shown = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #renewal;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #saying;
  #isSending = false;

  /** @param {string} room */
  constructor(room) {
    this.#room = room;
    this.#session = new SessionView(room, {
      onMic: (on) => this.#send('mic.set', { on }),
      onLeave: () => this.#send('seat.leave'),
      onAgain: () => this.follow(),
    });
  }

  async start() {
    const users = await fetchDemoUsers().catch(problemOf);
    if (users instanceof Error) this.#say(wordsFor(users));
    else this.#picker.fill(users);
    await this.follow();
  }

  /** Starts over as whoever is chosen now: another view, nothing held of the one before. */
  async follow() {
    this.#tally = new Tally();
    this.#reconciler = new Reconciler();
    this.#shown = null;
    await this.#connect();
  }

  /** Connects all channels; those of the connection before end. */
  async #connect() {
    this.#following.abort();
    clearTimeout(this.#renewal);
    const following = (this.#following = new AbortController());
    const token = await this.#signIn();
    if (following.signal.aborted) return;
    this.#board.show(this.#tally);
    this.#reader = new RoomReader({
      room: this.#room,
      baseUrl: location.origin,
      token,
      reconciler: this.#reconciler,
    });
    await this.#reader.run(following.signal, {
      onVerdict: (arrival, verdict) => this.#onVerdict(arrival, verdict),
      onStatus: (channel, status) => this.#onStatus(channel, status),
    });
  }

  /** @returns {Promise<string | null>} */
  async #signIn() {
    const { userId } = this.#picker;
    if (userId === null) return null;
    const token = await fetchDemoToken(userId).catch(problemOf);
    if (token instanceof Error) {
      this.#say(wordsFor(token));
      return null;
    }
    const leftMs = (expiryMsOf(token) ?? Infinity) - Date.now() - RENEW_BEFORE_EXPIRY_MS;
    if (leftMs < LONGEST_TIMER_MS) this.#reconnectIn(Math.max(leftMs, SHORTEST_RENEWAL_MS));
    return token;
  }

  /**
   * @param {Arrival} arrival
   * @param {Verdict} verdict
   */
  #onVerdict(arrival, verdict) {
    this.#tally.add(arrival, verdict);
    this.#board.show(this.#tally);
    if (!shows(verdict)) return;
    const { epoch, version } = arrival.snapshot;
    this.#shown = { state: readState(arrival.snapshot), position: { epoch, version } };
    this.#show();
  }

  /**
   * @param {Channel} channel
   * @param {Status} status
   */
  #onStatus(channel, status) {
    this.#tally.channels[channel].set(status);
    this.#board.show(this.#tally);
    if (this.#shown !== null) this.#session.showConnection(this.#isConnected());
    if (status.code === 'ROOM_NOT_FOUND') this.#session.showMissing();
    if (status.stopped && EXPIRED.has(status.code ?? '')) this.#reconnectIn(SIGN_IN_AGAIN_MS);
  }

  #isConnected() {
    return CHANNELS.some((channel) => this.#tally.channels[channel].status.state === 'live');
  }

  /** @param {number} delayMs */
  #reconnectIn(delayMs) {
    if (this.#picker.userId === null) return;
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => this.#connect(), delayMs);
  }

  #show() {
    if (this.#shown === null) return;
    const { userId, nickname, hasUsers } = this.#picker;
    const { state, position } = this.#shown;
    this.#session.show(state, position, { userId, nickname, mayChoose: hasUsers });
    this.#seats.show(state, userId);
  }

  /** @param {number} index */
  #take(index) {
    const isSeated = this.#shown && seatOf(this.#shown.state, this.#picker.userId);
    return isSeated
      ? this.#send('seat.move', { to: index })
      : this.#send('seat.take', { seat_index: index });
  }

  /**
   * @param {string} cmd
   * @param {Record<string, unknown>} [args]
   */
  async #send(cmd, args) {
    if (this.#reader === null || this.#isSending) return;
    this.#isSending = true;
    document.body.classList.add('sending');
    try {
      const outcome = await this.#reader.commands.send(cmd, args).catch(problemOf);
      this.#say(outcome instanceof Error ? wordsFor(outcome) : '');
    } finally {
      this.#isSending = false;
      document.body.classList.remove('sending');
    }
  }

  /** @param {string} words */
  #say(words) {
    clearTimeout(this.#saying);
    setText(this.#notice, words);
    if (words !== '') this.#saying = setTimeout(() => this.#say(''), NOTICE_MS);
  }
}

const room = new URLSearchParams(location.search).get('room') ?? 'demo';
if (ROOM_NAME.test(room)) {
  await new RoomPage(room).start();
} else {
  setText(byId('session', HTMLElement), 'The address names no room.');
}
