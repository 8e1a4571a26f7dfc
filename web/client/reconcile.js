/**
 * The one rule of every reader: keep the highest position (PROTOCOL.md 1).
 *
 * @import {Channel, Position, View} from './snapshot.js'
 *
 * @typedef {'applied' | 'refined' | 'duplicate' | 'stale' | 'untrusted'} Verdict
 * @typedef {Position & {doc: string, view: View}} Offer
 * @typedef {Position & {view: View}} Held
 */

import { comparePositions } from './snapshot.js';

/** @type {readonly Verdict[]} */
export const VERDICTS = ['applied', 'duplicate', 'stale', 'refined', 'untrusted'];

/**
 * Tells whether a reader shows a snapshot that got this verdict.
 *
 * @param {Verdict} verdict
 */
export function shows(verdict) {
  return verdict === 'applied' || verdict === 'refined';
}

/** Judges every snapshot of one room, from every channel, in one order; knows no clock. */
export class Reconciler {
  /** @type {Map<string, Held>} */
  #held = new Map();
  #trustsEpochs = false;

  /**
   * What is shown of a document now.
   *
   * @param {string} [doc]
   * @returns {Held | undefined}
   */
  held(doc = 'state') {
    return this.#held.get(doc);
  }

  /**
   * Judges one snapshot and, where it shows, holds it from now on.
   *
   * @param {Offer} offer
   * @param {Channel} channel the road it came by
   * @param {{signed?: boolean}} [options] `signed`: a signature over it was verified
   * @returns {Verdict}
   */
  offer({ doc, epoch, version, view }, channel, { signed = false } = {}) {
    const verdict = this.#judge({ doc, epoch, version, view }, channel, signed);
    if (channel !== 'sei') this.#trustsEpochs = true;
    if (shows(verdict)) this.#held.set(doc, { epoch, version, view });
    return verdict;
  }

  /**
   * @param {Offer} offer
   * @param {Channel} channel
   * @param {boolean} signed
   * @returns {Verdict}
   */
  #judge(offer, channel, signed) {
    const held = this.#held.get(offer.doc);
    if (held === undefined) return 'applied';
    const order = comparePositions(offer, held);
    if (order < 0) return 'stale';
    if (order === 0) {
      return offer.view === 'member' && held.view === 'anonymous' ? 'refined' : 'duplicate';
    }
    // Anybody can write an unsigned message into a video; an epoch of 2^53-1 would freeze us.
    const forgeable = channel === 'sei' && !signed && this.#trustsEpochs;
    return forgeable && offer.epoch > held.epoch ? 'untrusted' : 'applied';
  }
}
