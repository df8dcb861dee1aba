# Which MuJoCo the program is built with, as the target mujoco::mujoco. In this order:
#   -DESP_MUJOCO=system   the system's (Debian: libmujoco-dev)
#   -DMUJOCO_ROOT=DIR     a release archive (include/ and lib/), an unpacked wheel of mujoco or mujoco-core, a
#                         site-packages folder, or the folder `mujoco` inside one
#   build/mujoco-X.Y.Z    the release that scripts/mujoco.txt pins, when scripts/fetch_mujoco.sh has put it there
#   otherwise             the system's
# Wheels hold libmujoco.so.X.Y.Z without the link libmujoco.so, so the library is linked by its full path.
#
# Sets MUJOCO_VERSION (X.Y.Z), MUJOCO_LIBRARY, MUJOCO_INCLUDE, and MUJOCO_BUNDLED when the library is not the
# system's, in which case `cmake --install` installs it too.
set(ESP_MUJOCO "pinned" CACHE STRING "MuJoCo to build with: pinned (or MUJOCO_ROOT), or system")
set_property(CACHE ESP_MUJOCO PROPERTY STRINGS pinned system)
set(MUJOCO_ROOT "" CACHE PATH "folder of a MuJoCo other than the pinned and the system's")
if(NOT ESP_MUJOCO MATCHES "^(pinned|system)$")
  message(FATAL_ERROR "ESP_MUJOCO is '${ESP_MUJOCO}', expected pinned or system")
endif()

# The library and the headers in one of the known layouts below `root`.
function(esp_mujoco_below root)
  get_filename_component(root ${root} ABSOLUTE BASE_DIR ${PROJECT_SOURCE_DIR})
  get_filename_component(above ${root} DIRECTORY)
  foreach(folder ${root} ${root}/mujoco)
    file(GLOB libraries ${folder}/lib/libmujoco.so* ${folder}/libmujoco.so*)
    if(libraries AND EXISTS ${folder}/include/mujoco/mujoco.h)
      list(SORT libraries COMPARE NATURAL)
      list(POP_FRONT libraries library)
      set(MUJOCO_LIBRARY ${library} PARENT_SCOPE)
      set(MUJOCO_INCLUDE ${folder}/include PARENT_SCOPE)
      set(MUJOCO_BUNDLED TRUE PARENT_SCOPE)
      # LICENSE of an archive, or *.dist-info of a wheel; of several packages only MuJoCo's.
      file(GLOB licences ${root}/LICENSE* ${root}/THIRD_PARTY* ${root}/mujoco*.dist-info/licenses/*
           ${above}/mujoco*.dist-info/licenses/*)
      set(MUJOCO_LICENCES ${licences} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "MUJOCO_ROOT: no libmujoco.so and include/mujoco/mujoco.h in ${root}, its lib/ or its mujoco/")
endfunction()

# Not find_package: Debian's mujocoConfig.cmake demands headers of a package it does not depend on. Not cached: the
# next configuration may ask for another MuJoCo.
function(esp_mujoco_of_system)
  find_path(include mujoco/mujoco.h NO_CACHE)
  find_library(library mujoco NO_CACHE)
  if(NOT include OR NOT library)
    message(FATAL_ERROR "no MuJoCo: run scripts/fetch_mujoco.sh, or give -DMUJOCO_ROOT=DIR, or install libmujoco-dev")
  endif()
  set(MUJOCO_LIBRARY ${library} PARENT_SCOPE)
  set(MUJOCO_INCLUDE ${include} PARENT_SCOPE)
endfunction()

# 222 is 2.2.2, 3017000 is 3.17.0.
function(esp_mujoco_version header out)
  file(STRINGS ${header} line REGEX "^#define mjVERSION_HEADER +[0-9]+")
  string(REGEX MATCH "[0-9]+" number "${line}")
  if(number LESS 1000)
    set(scale 10)
  else()
    set(scale 1000)
  endif()
  math(EXPR major "${number} / (${scale} * ${scale})")
  math(EXPR minor "${number} / ${scale} % ${scale}")
  math(EXPR patch "${number} % ${scale}")
  set(${out} ${major}.${minor}.${patch} PARENT_SCOPE)
endfunction()

file(STRINGS ${PROJECT_SOURCE_DIR}/scripts/mujoco.txt pin REGEX "^mujoco[a-z-]*==")
string(REGEX MATCH "[0-9.]+[0-9]" pin "${pin}")
set(pinned ${PROJECT_SOURCE_DIR}/build/mujoco-${pin})

set(MUJOCO_BUNDLED FALSE)
if(ESP_MUJOCO STREQUAL system)
  esp_mujoco_of_system()
elseif(MUJOCO_ROOT)
  esp_mujoco_below(${MUJOCO_ROOT})
elseif(EXISTS ${pinned})
  esp_mujoco_below(${pinned})
else()
  esp_mujoco_of_system()
endif()
esp_mujoco_version(${MUJOCO_INCLUDE}/mujoco/mujoco.h MUJOCO_VERSION)
set(ESP_MUJOCO_VERSION ${MUJOCO_VERSION} CACHE INTERNAL "for scripts")
get_filename_component(MUJOCO_LIBRARY ${MUJOCO_LIBRARY} REALPATH)

add_library(mujoco::mujoco SHARED IMPORTED)
set_target_properties(mujoco::mujoco PROPERTIES
  IMPORTED_LOCATION ${MUJOCO_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${MUJOCO_INCLUDE})
