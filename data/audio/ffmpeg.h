// FFmpeg's libraries, loaded when the first recording is decoded: they bring 130 others along,
// which would cost every start of the program 60 ms, and a program that reads tables needs none of
// them. Internal to data/audio/.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
}

#include <string>

namespace emosweep::data {

// The functions by their own names. RunError where a library of the version that this program was
// built with is not there.
struct Ffmpeg {
  Ffmpeg();

  decltype(&::av_log_set_level) av_log_set_level = nullptr;
  decltype(&::av_max_alloc) av_max_alloc = nullptr;
  decltype(&::av_malloc) av_malloc = nullptr;
  decltype(&::av_freep) av_freep = nullptr;
  decltype(&::av_strerror) av_strerror = nullptr;
  decltype(&::av_dict_set) av_dict_set = nullptr;
  decltype(&::av_dict_free) av_dict_free = nullptr;
  decltype(&::av_opt_set_int) av_opt_set_int = nullptr;
  decltype(&::av_frame_alloc) av_frame_alloc = nullptr;
  decltype(&::av_frame_free) av_frame_free = nullptr;
  decltype(&::av_frame_unref) av_frame_unref = nullptr;

  decltype(&::avcodec_version) avcodec_version = nullptr;
  decltype(&::avcodec_find_decoder) avcodec_find_decoder = nullptr;
  decltype(&::avcodec_get_name) avcodec_get_name = nullptr;
  decltype(&::avcodec_alloc_context3) avcodec_alloc_context3 = nullptr;
  decltype(&::avcodec_free_context) avcodec_free_context = nullptr;
  decltype(&::avcodec_parameters_to_context) avcodec_parameters_to_context = nullptr;
  decltype(&::avcodec_open2) avcodec_open2 = nullptr;
  decltype(&::avcodec_send_packet) avcodec_send_packet = nullptr;
  decltype(&::avcodec_receive_frame) avcodec_receive_frame = nullptr;
  decltype(&::av_packet_alloc) av_packet_alloc = nullptr;
  decltype(&::av_packet_free) av_packet_free = nullptr;
  decltype(&::av_packet_unref) av_packet_unref = nullptr;

  decltype(&::avformat_version) avformat_version = nullptr;
  decltype(&::avformat_alloc_context) avformat_alloc_context = nullptr;
  decltype(&::avformat_open_input) avformat_open_input = nullptr;
  decltype(&::avformat_find_stream_info) avformat_find_stream_info = nullptr;
  decltype(&::avformat_close_input) avformat_close_input = nullptr;
  decltype(&::av_read_frame) av_read_frame = nullptr;
  decltype(&::avio_alloc_context) avio_alloc_context = nullptr;
  decltype(&::avio_context_free) avio_context_free = nullptr;

  decltype(&::swresample_version) swresample_version = nullptr;
  decltype(&::swr_alloc_set_opts2) swr_alloc_set_opts2 = nullptr;
  decltype(&::swr_init) swr_init = nullptr;
  decltype(&::swr_free) swr_free = nullptr;
  decltype(&::swr_convert) swr_convert = nullptr;

  std::string text(int error) const;  // of a negative return code
};

// Loaded once a process, at the first call; thread-safe.
const Ffmpeg& ffmpeg();
// "libavformat 59.27.100, libavcodec 59.37.100, libswresample 4.7.100"
std::string ffmpeg_versions();

}  // namespace emosweep::data
