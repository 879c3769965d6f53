# Everything the provider can make that the server has. `changed` turns every resource that can be changed in place.

terraform {
  required_providers {
    harbor = {
      source  = "registry.terraform.io/goharbor/harbor"
      version = "3.12.4"
    }
  }
}

provider "harbor" {}

variable "changed" {
  type    = bool
  default = false
}

variable "ldap_url" {
  type = string
}

variable "ldap_base" {
  type = string
}

variable "ldap_password" {
  type      = string
  sensitive = true
}

resource "harbor_config_system" "this" {
  project_creation_restriction = var.changed ? "everyone" : "adminonly"
  robot_token_expiration       = var.changed ? 60 : 30
  token_expiration             = var.changed ? 20 : 40
  session_timeout              = 90
  robot_name_prefix            = "bot+"
  storage_per_project          = -1
  banner_message {
    message = var.changed ? "back again" : "down on sunday"
    type    = "warning"
  }
}

resource "harbor_purge_audit_log" "this" {
  schedule             = var.changed ? "0 30 3 * * *" : "Daily"
  audit_retention_hour = var.changed ? 48 : 24
  include_event_types  = "create_artifact,delete_artifact,pull_artifact"
}

resource "harbor_config_auth" "this" {
  auth_mode             = "ldap_auth"
  ldap_url              = var.ldap_url
  ldap_base_dn          = var.ldap_base
  ldap_uid              = "uid"
  ldap_verify_cert      = false
  ldap_search_dn        = "cn=search,${var.ldap_base}"
  ldap_search_password  = var.ldap_password
  ldap_scope            = "subtree"
  ldap_group_base_dn    = "ou=groups,${var.ldap_base}"
  ldap_group_filter     = "objectclass=groupOfNames"
  ldap_group_gid        = "cn"
  ldap_group_admin_dn   = var.changed ? "cn=devs,ou=groups,${var.ldap_base}" : "cn=none,ou=groups,${var.ldap_base}"
  ldap_group_membership = "memberof"
  ldap_group_scope      = "subtree"
}

resource "harbor_project" "team" {
  name                   = "team"
  public                 = var.changed
  vulnerability_scanning = var.changed
  deployment_security    = var.changed ? "high" : "critical"
  auto_sbom_generation   = true
}

resource "harbor_project" "shared" {
  name          = "shared"
  public        = true
  force_destroy = true
}

# The provider never sends a comment, so that one would change for ever.
resource "harbor_user" "ada" {
  username  = "ada"
  password  = var.changed ? "Terraform-54321" : "Terraform-12345"
  full_name = var.changed ? "Ada L." : "Ada"
  email     = var.changed ? "ada@new.test" : "ada@old.test"
  admin     = var.changed
}

resource "harbor_user" "bob" {
  username  = "bob"
  password  = "Terraform-12345"
  full_name = "Bob"
  email     = "bob@plan.test"
}

resource "harbor_group" "crew" {
  group_name = "crew"
  group_type = 3
}

resource "harbor_project_member_user" "ada" {
  project_id = harbor_project.team.id
  user_name  = harbor_user.ada.username
  role       = var.changed ? "maintainer" : "developer"
}

resource "harbor_project_member_user" "bob" {
  project_id = harbor_project.team.id
  user_name  = harbor_user.bob.username
  role       = "limitedguest"
}

resource "harbor_project_member_group" "crew" {
  project_id = harbor_project.team.id
  group_name = harbor_group.crew.group_name
  type       = "oidc"
  role       = var.changed ? "projectadmin" : "guest"
}

resource "harbor_robot_account" "system" {
  name        = "mirror"
  description = var.changed ? "mirrors everything" : "mirrors"
  level       = "system"
  duration    = var.changed ? 90 : -1
  permissions {
    kind      = "system"
    namespace = "/"
    access {
      resource = "catalog"
      action   = "read"
    }
  }
  permissions {
    kind      = "project"
    namespace = "*"
    access {
      resource = "repository"
      action   = "pull"
    }
    dynamic "access" {
      for_each = var.changed ? ["push"] : []
      content {
        resource = "repository"
        action   = access.value
      }
    }
  }
  depends_on = [harbor_config_system.this]
}

resource "harbor_robot_account" "project" {
  name     = "ci"
  level    = "project"
  disable  = var.changed
  duration = 30
  secret   = var.changed ? "Terraform-54321" : "Terraform-12345"
  permissions {
    kind      = "project"
    namespace = harbor_project.team.name
    access {
      resource = "repository"
      action   = "pull"
      effect   = "allow"
    }
    access {
      resource = "repository"
      action   = "push"
    }
    access {
      resource = "tag"
      action   = "create"
    }
  }
  depends_on = [harbor_config_system.this]
}

resource "harbor_label" "good" {
  name        = var.changed ? "better" : "good"
  description = "for what is"
  color       = "#0065AB"
}

# The provider's default colour is the word false.
resource "harbor_label" "own" {
  name       = "own"
  project_id = trimprefix(harbor_project.team.id, "/projects/")
}

data "harbor_project" "team" {
  name       = "team"
  depends_on = [harbor_project.team]
}

data "harbor_projects" "public" {
  public     = true
  depends_on = [harbor_project.team, harbor_project.shared]
}

data "harbor_users" "ada" {
  username   = "ada"
  depends_on = [harbor_user.ada]
}

data "harbor_groups" "all" {
  depends_on = [harbor_group.crew]
}

data "harbor_project_member_users" "team" {
  project_id = harbor_project.team.id
  depends_on = [harbor_project_member_user.ada, harbor_project_member_user.bob]
}

data "harbor_project_member_groups" "team" {
  project_id = harbor_project.team.id
  depends_on = [harbor_project_member_group.crew]
}

data "harbor_robot_accounts" "of_team" {
  level      = "project"
  project_id = tonumber(trimprefix(harbor_project.team.id, "/projects/"))
  depends_on = [harbor_robot_account.project]
}

output "seen" {
  value = {
    team    = data.harbor_project.team.public
    public  = sort(data.harbor_projects.public.projects[*].name)
    ada     = [for user in data.harbor_users.ada.users : "${user.full_name} ${user.email} ${user.admin}"]
    groups  = data.harbor_groups.all.groups[*].group_name
    members = { for member in data.harbor_project_member_users.team.project_member_users : member.user_name => member.role }
    crew    = { for member in data.harbor_project_member_groups.team.project_member_groups : member.group_name => member.role }
    robots  = { for robot in data.harbor_robot_accounts.of_team.robot_accounts : robot.name => robot.disable }
    system  = harbor_robot_account.system.full_name
  }
}

output "secrets" {
  sensitive = true
  value = {
    system  = harbor_robot_account.system.secret
    project = harbor_robot_account.project.secret
  }
}
