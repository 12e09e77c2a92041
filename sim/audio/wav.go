package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// maxWAV bounds a WAV file that a phone speaks: 10 minutes.
const maxWAV = 10 * 60 * Rate

// ReadWAV reads 16-bit PCM of any rate from 8 to 48 kHz, mono or stereo, and returns mono PCM at Rate.
func ReadWAV(data []byte) ([]float32, error) {
	if len(data) < 12 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WAVE" {
		return nil, errors.New("audio: not a RIFF/WAVE file")
	}
	var channels, rate, bits int
	for at := 12; at+8 <= len(data); {
		id, size := string(data[at:at+4]), int(binary.LittleEndian.Uint32(data[at+4:]))
		body := data[at+8:]
		if size > len(body) {
			size = len(body) // a writer that streamed leaves the size open
		}
		body = body[:size]
		switch id {
		case "fmt ":
			if size < 16 || (binary.LittleEndian.Uint16(body) != 1 && binary.LittleEndian.Uint16(body) != 0xfffe) {
				return nil, errors.New("audio: only PCM WAV files are read")
			}
			channels, rate = int(binary.LittleEndian.Uint16(body[2:])), int(binary.LittleEndian.Uint32(body[4:]))
			bits = int(binary.LittleEndian.Uint16(body[14:]))
		case "data":
			if bits != 16 || channels < 1 || channels > 2 || rate < 8000 || rate > 48000 {
				return nil, fmt.Errorf("audio: %d bits, %d channels, %d Hz: 16 bits, 1 or 2 channels, 8 to 48 kHz are read", bits, channels, rate)
			}
			return resample(monoOf(body, channels), rate)
		}
		at += 8 + size + size&1
	}
	return nil, errors.New("audio: the WAV file has no data")
}

func monoOf(body []byte, channels int) []float32 {
	out := make([]float32, len(body)/(2*channels))
	for i := range out {
		sum := 0
		for c := range channels {
			sum += int(int16(binary.LittleEndian.Uint16(body[(i*channels+c)*2:])))
		}
		out[i] = float32(sum) / float32(channels) / 32768
	}
	return out
}

// resample interpolates linearly after a box filter when going down: enough for speech and tones.
func resample(in []float32, rate int) ([]float32, error) {
	n := len(in) * Rate / rate
	if n > maxWAV {
		return nil, errors.New("audio: the WAV file is longer than 10 minutes")
	}
	if rate == Rate {
		return in, nil
	}
	out, ratio := make([]float32, n), float64(rate)/Rate
	for i := range out {
		pos := float64(i) * ratio
		lo := int(pos)
		if ratio <= 1 {
			hi := min(lo+1, len(in)-1)
			f := float32(pos - float64(lo))
			out[i] = in[lo]*(1-f) + in[hi]*f
			continue
		}
		hi := min(int(math.Ceil(pos+ratio)), len(in))
		sum := float32(0)
		for _, v := range in[lo:hi] {
			sum += v
		}
		out[i] = sum / float32(hi-lo)
	}
	return out, nil
}

// WriteWAV renders mono PCM at Rate as a 16-bit WAV file.
func WriteWAV(pcm []float32) []byte {
	var b bytes.Buffer
	size := uint32(len(pcm) * 2)
	b.WriteString("RIFF")
	le := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) } // writing to a Buffer cannot fail
	le(36 + size)
	b.WriteString("WAVEfmt ")
	le(uint32(16))
	le([]uint16{1, 1})
	le([]uint32{Rate, Rate * 2})
	le([]uint16{2, 16})
	b.WriteString("data")
	le(size)
	for _, v := range pcm {
		le(int16(math.Max(-32768, math.Min(32767, float64(v)*32768))))
	}
	return b.Bytes()
}
