/* A scene's hash changes with everything that MuJoCo would read, and with nothing else. */
#include <sys/stat.h>
#include <unistd.h>

#include "envs/envs.h"

#include "check.h"

static char folder[] = "/tmp/espalier-scene-XXXXXX";

__attribute__((constructor)) static void make_folder(void)
{
    if (!mkdtemp(folder) || chdir(folder) != 0 || mkdir("below", 0777)) abort();
}

__attribute__((destructor)) static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    if (system(command) != 0) abort();
}

static void put(const char *path, const char *text)
{
    CHECK_OK(esp_file_write(path, text, strlen(text)));
}

static uint64_t hash_of(const char *path)
{
    uint64_t hash = 0;
    CHECK_OK(esp_scene_hash(path, &hash));
    return hash;
}

static void hash_follows_the_scene_and_the_files_it_names(void)
{
    put("scene.xml", "<mujoco><include file=\"below/physics.xml\"/><mesh file='below/foot.obj'/></mujoco>");
    put("below/physics.xml", "<mujoco><option timestep=\"0.02\"/></mujoco>");
    put("below/foot.obj", "v 0 0 0");
    uint64_t first = hash_of("scene.xml");
    CU_ASSERT_EQUAL(hash_of("./scene.xml"), first);
    put("below/foot.obj", "v 0 0 1");
    uint64_t second = hash_of("scene.xml");
    CU_ASSERT_NOT_EQUAL(second, first);
    put("below/physics.xml", "<mujoco><option timestep=\"0.01\"/></mujoco>");
    CU_ASSERT_NOT_EQUAL(hash_of("scene.xml"), second);
    put("below/foot.obj", "v 0 0 0");
    put("below/physics.xml", "<mujoco><option timestep=\"0.02\"/></mujoco>");
    CU_ASSERT_EQUAL(hash_of("scene.xml"), first);
}

static void scene_that_includes_itself_has_a_hash(void)
{
    put("loop.xml", "<include file=\"loop.xml\"/><include file=\"loop.xml\"/><include file=\"loop.xml\"/>");
    CU_ASSERT_EQUAL(hash_of("loop.xml"), hash_of("loop.xml"));
    put("open.xml", "<include file=\"loop");
    hash_of("open.xml");
}

static void missing_scene_is_reported(void)
{
    uint64_t hash = 7;
    CHECK_FAILS(ESP_ERR_IO, esp_scene_hash("nowhere.xml", &hash), "nowhere.xml");
    CU_ASSERT_EQUAL(hash, 7);
}

static CU_TestInfo tests[] = {
    {"hash follows the scene and the files it names", hash_follows_the_scene_and_the_files_it_names},
    {"scene that includes itself has a hash", scene_that_includes_itself_has_a_hash},
    {"missing scene is reported", missing_scene_is_reported},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("scene_hash", tests)
