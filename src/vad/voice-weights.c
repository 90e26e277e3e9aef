/* What the networks have learned of voices and music: tools/train-music.py wrote the .inc files. */
#include "vad/voice.h"

#include "base/banned.h"

#include "vad/voice-narrow.inc"
#include "vad/voice-wide.inc"

const struct sc_voice_net sc_voice_nets[SC_VOICE_NETS] = {
    { narrow_layers, SC_ARRAY_LEN(narrow_layers) },
    { wide_layers, SC_ARRAY_LEN(wide_layers) },
};
