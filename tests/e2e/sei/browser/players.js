/** Players of many makers on one video element; the test starts one, looks on, and asks. */

/* global mpegts, flvjs, Hls */

import { Seen, hex } from './seen.js';

const video = document.querySelector('video');
const WIDTH = 64;
const HEIGHT = 36;

let seen = new Seen();

/** Hands every chunk to our reader, then to the player: mpegts.js and flv.js alike. */
function teeLoader(library) {
  const { BaseLoader } = library;
  return class extends BaseLoader {
    #leaving = new AbortController();
    constructor() {
      super('seatsync');
      this._needStash = true;
    }
    async open({ url }, { from }) {
      this._status = library.LoaderStatus.kConnecting;
      let received = 0;
      try {
        const response = await fetch(url, { signal: this.#leaving.signal });
        this._status = library.LoaderStatus.kBuffering;
        for (const reader = response.body.getReader(); ; ) {
          const { done, value } = await reader.read();
          if (done) break;
          seen.read(value);
          const at = from + received;
          received += value.length;
          this._onDataArrival(value.slice().buffer, at, received);
        }
        this._status = library.LoaderStatus.kComplete;
        this._onComplete(from, from + received - 1);
      } catch (error) {
        if (!this.#leaving.signal.aborted) seen.fail('loader', error);
      }
    }
    abort() {
      this.#leaving.abort();
    }
    destroy() {
      this.abort();
      super.destroy();
    }
  };
}

/** Keeps a copy of what the page fetches; the player's own loader notices nothing. */
function keepFetched() {
  const { fetch } = window;
  window.fetch = async (...request) => {
    const response = await fetch(...request);
    void (async () => {
      for await (const bytes of response.clone().body) seen.keep(bytes);
    })().catch(() => {}); // the player left
    return response;
  };
}

function playFlv(library, url, config) {
  const player = library.createPlayer({ type: 'flv', isLive: true, url }, config);
  player.on(library.Events.ERROR, (...what) => seen.fail('player', ...what));
  player.attachMediaElement(video);
  player.load();
  return player;
}

function playMpegts(url) {
  keepFetched();
  const player = playFlv(mpegts, url, { enableStashBuffer: false });
  player.on(mpegts.Events.SEI_ARRIVED, ({ type, uuid, user_data }) => {
    if (type === 5) seen.take(hex(uuid), user_data);
  });
}

/** Takes a copy of every segment, its initialisation before it; a worker takes the original. */
function copyingLoader(copies) {
  let init = new Uint8Array(0);
  return class extends Hls.DefaultConfig.loader {
    load(context, config, callbacks) {
      const onSuccess = (response, ...rest) => {
        const bytes = new Uint8Array(response.data).slice();
        if (context.frag.sn === 'initSegment') init = bytes;
        else copies.set(context.frag.sn, Uint8Array.from([...init, ...bytes]));
        callbacks.onSuccess(response, ...rest);
      };
      super.load(context, config, { ...callbacks, onSuccess });
    }
  };
}

function playHls(url) {
  const copies = new Map();
  let samples = [];
  const hls = new Hls({ fLoader: copyingLoader(copies) });
  hls.on(Hls.Events.ERROR, (_, { type, details, fatal }) => {
    if (fatal || type !== Hls.ErrorTypes.NETWORK_ERROR) seen.fail('hls.js', type, details);
  });
  hls.on(Hls.Events.FRAG_PARSING_USERDATA, (_, data) => samples.push(...data.samples));
  hls.on(Hls.Events.FRAG_PARSED, (_, { frag }) => {
    seen.keep(copies.get(frag.sn));
    for (const { payloadType, uuid, userDataBytes } of samples) {
      if (payloadType === 5) seen.take(uuid.replaceAll('-', ''), userDataBytes);
    }
    samples = [];
  });
  hls.loadSource(url);
  hls.attachMedia(video);
}

/** Gives the codecs of an MP4 as MSE wants them: H.264 by its record, and AAC-LC. */
function mimeOf(init) {
  const text = new TextDecoder('latin1').decode(init);
  const at = text.indexOf('avcC') + 5;
  const sound = text.includes('mp4a') ? ',mp4a.40.2' : '';
  return `video/mp4; codecs="avc1.${hex(init.subarray(at, at + 3))}${sound}"`;
}

async function playMp4(url) {
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await new Promise((resolve) => source.addEventListener('sourceopen', resolve, { once: true }));
  const response = await fetch(url);
  let buffer = null;
  for await (const bytes of response.body) {
    const copy = seen.keep(bytes);
    buffer ??= source.addSourceBuffer(mimeOf(copy));
    const appended = new Promise((resolve, reject) => {
      buffer.addEventListener('updateend', resolve, { once: true });
      buffer.addEventListener('error', reject, { once: true });
    });
    buffer.appendBuffer(copy);
    await appended;
    // A live stream need not begin at 0.
    if (video.currentTime === 0 && video.buffered.length) {
      video.currentTime = video.buffered.start(0);
    }
  }
}

async function fetchFlv(url) {
  const response = await fetch(url);
  for await (const bytes of response.body) seen.read(bytes);
}

const START = {
  'mpegts.js': playMpegts,
  'mpegts.js with our reader': (url) =>
    playFlv(mpegts, url, { enableStashBuffer: false, customLoader: teeLoader(mpegts) }),
  'flv.js with our reader': (url) =>
    playFlv(flvjs, url, { enableStashBuffer: false, customLoader: teeLoader(flvjs) }),
  'hls.js': playHls,
  MediaSource: playMp4,
  'our reader': fetchFlv,
  video: (url) => {
    video.src = url;
  },
};

video.addEventListener('error', () => seen.fail('video', video.error?.message));

window.start = (player, url) => {
  seen = new Seen();
  void Promise.resolve(START[player](url)).catch((error) => seen.fail(player, error));
};

window.progress = () => ({
  time: video.currentTime,
  frames: video.getVideoPlaybackQuality().totalVideoFrames,
  newest: seen.newest,
  errors: seen.errors,
});

window.told = () => seen.told();

/** Gives the picture that is on, small and grey. */
window.picture = () => {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(video, 0, 0, WIDTH, HEIGHT);
  const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
  const grey = [];
  for (let at = 0; at < data.length; at += 4) {
    grey.push(Math.round(0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2]));
  }
  return grey;
};
