#include "worker/model/rotary.h"

#include "proto/tensor/model_shape.h"

#include <math.h>

/* Frequency i of D/2, stretched as llama3 has it: wavelengths that are long against the original
 * context by the whole factor, short ones not at all, those between by a mean of both. */
static float stretch(float frequency, const Trireme__Model *config)
{
    const float pi = 3.14159265358979323846f;
    const float factor = (float)config->rope_factor, low = (float)config->rope_low_freq_factor,
                high = (float)config->rope_high_freq_factor,
                context = (float)config->rope_original_context;
    const float wavelength = 2 * pi / frequency;
    if (wavelength < context / high)
        return frequency;
    if (wavelength > context / low)
        return frequency / factor;
    const float smooth = (context / wavelength - low) / (high - low);
    return (1 - smooth) * frequency / factor + smooth * frequency;
}

/* Frequency i, rounded to float where Hugging Face rounds it. */
static float frequency_of(const Trireme__Model *config, size_t i, size_t half)
{
    if (config->rope_type == TRIREME__MODEL__ROPE_TYPE__default)
        return (float)(1 / pow(config->rope_theta, (double)i / (double)half));
    const float exponent = (float)i / (float)half;
    const float frequency = 1 / powf((float)config->rope_theta, exponent);
    if (config->rope_type == TRIREME__MODEL__ROPE_TYPE__linear)
        return frequency / (float)config->rope_factor;
    return stretch(frequency, config);
}

void rotary_tables(float *cosine, float *sine, const Trireme__Model *config, size_t T)
{
    const size_t half = model_shape_head(config) / 2;
    for (size_t i = 0; i < half; i++) {
        const float frequency = frequency_of(config, i, half);
        for (size_t t = 0; t < T; t++) {
            float angle = (float)t * frequency;
            cosine[t * half + i] = (float)cos((double)angle);
            sine[t * half + i] = (float)sin((double)angle);
        }
    }
}
